/*
 * Writes tokens, and full replicas on rings made at random from a seed, as Cassandra's own classes work them out. With the jars of
 * Cassandra 5.0 in lib: java -cp 'lib/*' Replicas.java replicas.jsonl
 */
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.*;
import java.util.stream.Collectors;
import org.apache.cassandra.config.Config;
import org.apache.cassandra.config.DatabaseDescriptor;
import org.apache.cassandra.dht.*;
import org.apache.cassandra.locator.*;

public class Replicas {
  static final Random random = new Random(42);
  static final Map<InetAddressAndPort, String[]> places = new HashMap<>();

  static class Snitch extends AbstractNetworkTopologySnitch {
    public String getDatacenter(InetAddressAndPort node) { return places.get(node)[0]; }
    public String getRack(InetAddressAndPort node) { return places.get(node)[1]; }
  }

  static String list(Collection<String> texts) {
    return texts.stream().map(text -> '"' + text + '"').collect(Collectors.joining(",", "[", "]"));
  }

  static String name(InetAddressAndPort node) { return node.getAddress().getHostAddress(); }

  static String ring(int number) throws Exception {
    places.clear();
    Snitch snitch = new Snitch();
    DatabaseDescriptor.setEndpointSnitch(snitch);
    TokenMetadata metadata = new TokenMetadata(snitch);
    // Rings of one token a node may have transient replicas.
    boolean isTransient = number % 2 == 0;
    int dataCenters = 1 + random.nextInt(3);
    List<String> nodes = new ArrayList<>();
    for (int d = 0; d < dataCenters; d++) {
      int racks = 1 + random.nextInt(4);
      for (int n = 1 + random.nextInt(6); n > 0; n--) {
        InetAddressAndPort node = InetAddressAndPort.getByName("10.0." + d + "." + n);
        String[] place = { "dc" + d, "r" + random.nextInt(racks) };
        places.put(node, place);
        List<Token> tokens = new ArrayList<>();
        for (int t = isTransient ? 1 : 1 + random.nextInt(4); t > 0; t--) tokens.add(Murmur3Partitioner.instance.getRandomToken(random));
        metadata.updateNormalTokens(tokens, node);
        nodes.add("{\"address\":\"" + name(node) + "\",\"dataCenter\":\"" + place[0] + "\",\"rack\":\"" + place[1]
          + "\",\"tokens\":" + list(tokens.stream().map(Token::toString).toList()) + "}");
      }
    }
    DatabaseDescriptor.setTransientReplicationEnabledUnsafe(isTransient);
    List<String> cases = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      Map<String, String> options = new TreeMap<>();
      AbstractReplicationStrategy strategy;
      if (i == 0) {
        options.put("replication_factor", factor(isTransient));
        strategy = new SimpleStrategy("k", metadata, snitch, options);
      } else {
        for (int d = 0; d < dataCenters; d++) if (random.nextInt(5) > 0) options.put("dc" + d, factor(isTransient));
        strategy = new NetworkTopologyStrategy("k", metadata, snitch, options);
      }
      List<String> answers = new ArrayList<>();
      for (Token token : metadata.sortedTokens()) {
        answers.add(list(strategy.calculateNaturalReplicas(token, metadata).filter(Replica::isFull).stream().map(replica -> name(replica.endpoint())).toList()));
      }
      options.put("class", strategy.getClass().getName());
      cases.add("{\"replication\":" + options.entrySet().stream().map(e -> '"' + e.getKey() + "\":\"" + e.getValue() + '"').collect(Collectors.joining(",", "{", "}"))
        + ",\"replicas\":[" + String.join(",", answers) + "]}");
    }
    return "{\"nodes\":[" + String.join(",", nodes) + "],\"tokens\":" + list(metadata.sortedTokens().stream().map(Token::toString).toList())
      + ",\"keyspaces\":[" + String.join(",", cases) + "]}";
  }

  static String factor(boolean isTransient) {
    int all = 1 + random.nextInt(5);
    return isTransient && all > 1 && random.nextBoolean() ? all + "/" + (1 + random.nextInt(all - 1)) : String.valueOf(all);
  }

  static String tokens(IPartitioner partitioner) {
    List<String> cases = new ArrayList<>();
    for (int length = 0; length < 40; length++) {
      byte[] key = new byte[length];
      random.nextBytes(key);
      cases.add(list(List.of(HexFormat.of().formatHex(key), partitioner.getToken(ByteBuffer.wrap(key)).toString())));
    }
    return "{\"partitioner\":\"" + partitioner.getClass().getName() + "\",\"minimum\":\"" + partitioner.getMinimumToken()
      + "\",\"tokens\":[" + String.join(",", cases) + "]}";
  }

  public static void main(String[] args) throws Exception {
    DatabaseDescriptor.clientInitialization(true, () -> { Config config = new Config(); config.num_tokens = 1; return config; });
    DatabaseDescriptor.setPartitionerUnsafe(Murmur3Partitioner.instance);
    List<String> lines = new ArrayList<>();
    for (IPartitioner partitioner : List.of(Murmur3Partitioner.instance, RandomPartitioner.instance, ByteOrderedPartitioner.instance)) {
      lines.add(tokens(partitioner));
    }
    for (int i = 0; i < 20; i++) lines.add(ring(i));
    Files.write(Path.of(args[0]), lines);
    System.exit(0);
  }
}
