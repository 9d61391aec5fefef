// gocql's part in the benchmark: the workloads of ../../src/workloads.ts, told what to do as ../../src/protocol.ts says.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
)

type plan struct {
	Keyspace                                                  string
	Users, Partitions, PageSize, BatchSize, BatchedPartitions int
	WideRows, LargeRows                                       int
	SelectUser, InsertUser, SelectReadings, SelectFew         string
	InsertBatched, SelectWide, SelectLarge                    string
}

type stretch struct {
	Milliseconds, Concurrency int
	Rate                      float64
}

type measurement struct {
	Operations   int64      `json:"operations"`
	Milliseconds float64    `json:"milliseconds"`
	CPUMicros    int64      `json:"cpuMicros"`
	Heap         uint64     `json:"heap"`
	Latency      [][2]int64 `json:"latency,omitempty"`
}

var (
	bench    plan
	workload = os.Args[1]
	session  *gocql.Session
)

func cpuMicros() int64 {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return (used.Utime.Nano() + used.Stime.Nano()) / 1000
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func say(value any) {
	line, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}

func connect() (*gocql.Session, error) {
	port, err := strconv.Atoi(os.Getenv("CASSANDRA_PORT"))
	if err != nil {
		return nil, err
	}
	cluster := gocql.NewCluster(strings.Split(os.Getenv("CASSANDRA_CONTACT_POINTS"), ",")...)
	cluster.Port = port
	cluster.Keyspace = bench.Keyspace
	cluster.Consistency = gocql.LocalOne
	cluster.PoolConfig.HostSelectionPolicy = gocql.TokenAwareHostPolicy(
		gocql.DCAwareRoundRobinPolicy(os.Getenv("CASSANDRA_LOCAL_DC")))
	if user, ok := os.LookupEnv("CASSANDRA_USERNAME"); ok {
		cluster.Authenticator = gocql.PasswordAuthenticator{Username: user, Password: os.Getenv("CASSANDRA_PASSWORD")}
	}
	return cluster.CreateSession()
}

func userID(n int) gocql.UUID {
	id, _ := gocql.ParseUUID(fmt.Sprintf("00000000-0000-4000-8000-%012x", n))
	return id
}

func pointRead(s *gocql.Session) error {
	var id gocql.UUID
	var name, email string
	var visits int64
	var balance float64
	var active bool
	var createdAt time.Time
	return s.Query(bench.SelectUser, userID(rand.Intn(bench.Users))).
		Scan(&id, &name, &email, &visits, &balance, &active, &createdAt)
}

func insert() error {
	n := rand.Intn(bench.Users)
	return session.Query(bench.InsertUser, userID(n), fmt.Sprintf("User number %d", n), fmt.Sprintf("user%d@example.com", n),
		int64(n)*17, float64(n)/3, n%2 == 0, time.UnixMilli(1_700_000_000_000+int64(n)*60_000)).Exec()
}

func batch() error {
	station := rand.Intn(bench.BatchedPartitions)
	b := session.Batch(gocql.UnloggedBatch)
	for seq := 0; seq < bench.BatchSize; seq++ {
		b.Query(bench.InsertBatched, station, seq, time.UnixMilli(1_700_000_000_000+int64(seq)*1_000),
			fmt.Sprintf("thermometer %d", seq%16), 20+float64(seq%100)/10)
	}
	return b.Exec()
}

// readings reads every page and every cell; it gives the number of rows.
func readings(query *gocql.Query) (int64, error) {
	iter := query.PageSize(bench.PageSize).Iter()
	var station, seq int
	var at time.Time
	var sensor string
	var celsius float64
	var rows int64
	for iter.Scan(&station, &seq, &at, &sensor, &celsius) {
		rows++
	}
	return rows, iter.Close()
}

func wideRow() error {
	iter := session.Query(bench.SelectWide, rand.Intn(bench.WideRows)).Iter()
	row, err := iter.RowData()
	if err != nil {
		return err
	}
	if !iter.Scan(row.Values...) {
		if err := iter.Close(); err != nil {
			return err
		}
		return gocql.ErrNotFound
	}
	return iter.Close()
}

func largeCell() error {
	var data []byte
	if err := session.Query(bench.SelectLarge, rand.Intn(bench.LargeRows)).Scan(&data); err != nil {
		return err
	}
	if len(data) < 100_000 {
		return fmt.Errorf("a large cell is missing")
	}
	return nil
}

// once does one operation, and tells as how many it counts.
func once() (int64, error) {
	switch workload {
	case "point-read", "concurrency", "latency":
		return 1, pointRead(session)
	case "insert":
		return 1, insert()
	case "mixed":
		if rand.Float64() < 0.2 {
			return 1, insert()
		}
		return 1, pointRead(session)
	case "batch":
		return 1, batch()
	case "scan", "streams":
		return readings(session.Query(bench.SelectReadings))
	case "small-streams":
		_, err := readings(session.Query(bench.SelectFew, rand.Intn(bench.Partitions)))
		return 1, err
	case "wide-rows":
		return 1, wideRow()
	case "large-cells":
		return 1, largeCell()
	}
	return 0, fmt.Errorf("unknown workload: %s", workload)
}

func closedLoop(work stretch) (int64, error) {
	end := time.Now().Add(time.Duration(work.Milliseconds) * time.Millisecond)
	var operations atomic.Int64
	var failure atomic.Value
	var all sync.WaitGroup
	for i := 0; i < work.Concurrency; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for time.Now().Before(end) && failure.Load() == nil {
				count, err := once()
				if err != nil {
					failure.CompareAndSwap(nil, err.Error())
					return
				}
				operations.Add(count)
			}
		}()
	}
	all.Wait()
	if reason := failure.Load(); reason != nil {
		return 0, fmt.Errorf("%v", reason)
	}
	return operations.Load(), nil
}

// atRate begins operations by the clock; a latency counts from the moment at which its operation was to begin.
func atRate(work stretch, latencies *histogram) (int64, error) {
	// Go's own timers may be a millisecond late.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	total := int64(float64(work.Milliseconds) * work.Rate / 1000)
	interval := time.Duration(float64(time.Second) / work.Rate)
	start := time.Now()
	var failure atomic.Value
	var all sync.WaitGroup
	for n := int64(0); n < total && failure.Load() == nil; n++ {
		due := start.Add(time.Duration(n) * interval)
		if wait := time.Until(due); wait > 0 {
			pause := syscall.NsecToTimespec(wait.Nanoseconds())
			_ = syscall.Nanosleep(&pause, nil)
		}
		all.Add(1)
		go func() {
			defer all.Done()
			if _, err := once(); err != nil {
				failure.CompareAndSwap(nil, err.Error())
				return
			}
			latencies.record(time.Since(due))
		}()
	}
	all.Wait()
	if reason := failure.Load(); reason != nil {
		return 0, fmt.Errorf("%v", reason)
	}
	return total, nil
}

func connections(work stretch, latencies *histogram) (int64, error) {
	end := time.Now().Add(time.Duration(work.Milliseconds) * time.Millisecond)
	var operations int64
	for time.Now().Before(end) {
		start := time.Now()
		fresh, err := connect()
		if err != nil {
			return 0, err
		}
		err = pointRead(fresh)
		latencies.record(time.Since(start))
		fresh.Close()
		if err != nil {
			return 0, err
		}
		operations++
	}
	return operations, nil
}

func do(work stretch) (any, error) {
	var latencies histogram
	var operations int64
	var err error
	before := cpuMicros()
	start := time.Now()
	switch {
	case workload == "connect":
		operations, err = connections(work, &latencies)
	case work.Rate > 0:
		operations, err = atRate(work, &latencies)
	default:
		operations, err = closedLoop(work)
	}
	if err != nil {
		return nil, err
	}
	milliseconds := float64(time.Since(start).Microseconds()) / 1000
	return measurement{operations, milliseconds, cpuMicros() - before, heap(), latencies.sparse()}, nil
}

func version() string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if strings.Contains(module.Path, "gocql") {
			return strings.TrimPrefix(module.Version, "v")
		}
	}
	return "?"
}

func main() {
	if err := json.Unmarshal([]byte(os.Getenv("BENCH_PLAN")), &bench); err != nil {
		panic(err)
	}
	var err error
	if session, err = connect(); err != nil {
		panic(err)
	}
	if err = pointRead(session); err != nil {
		panic(err)
	}
	say(map[string]any{"version": version(), "runtime": runtime.Version(), "cpuMicros": cpuMicros(), "heap": heap()})
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var work stretch
		if err := json.Unmarshal(lines.Bytes(), &work); err != nil {
			panic(err)
		}
		if done, err := do(work); err != nil {
			say(map[string]string{"failure": err.Error()})
		} else {
			say(done)
		}
	}
	session.Close()
}
