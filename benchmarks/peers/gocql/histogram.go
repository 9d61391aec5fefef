package main

import (
	"math"
	"sync/atomic"
	"time"
)

// histogram counts in the buckets of ../../src/histogram.ts: 2 % wide, from a microsecond up to minutes.
type histogram [1024]atomic.Int64

var width = math.Log(1.02)

func (h *histogram) record(latency time.Duration) {
	bucket := int(math.Log(math.Max(1, float64(latency.Nanoseconds())/1000)) / width)
	h[min(bucket, len(h)-1)].Add(1)
}

func (h *histogram) sparse() [][2]int64 {
	var buckets [][2]int64
	for bucket := range h {
		if count := h[bucket].Load(); count > 0 {
			buckets = append(buckets, [2]int64{int64(bucket), count})
		}
	}
	return buckets
}
