import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLongArray;

/** The buckets of ../../../../../src/histogram.ts: 2 % wide, from a microsecond up to minutes. */
final class Histogram {
  private static final double WIDTH = Math.log(1.02);

  private final AtomicLongArray counts = new AtomicLongArray(1024);

  void record(long nanoseconds) {
    int bucket = (int) (Math.log(Math.max(1, nanoseconds / 1000.0)) / WIDTH);
    counts.incrementAndGet(Math.min(bucket, counts.length() - 1));
  }

  List<long[]> sparse() {
    List<long[]> buckets = new ArrayList<>();
    for (int bucket = 0; bucket < counts.length(); bucket++) {
      if (counts.get(bucket) > 0) buckets.add(new long[] {bucket, counts.get(bucket)});
    }
    return buckets;
  }
}
