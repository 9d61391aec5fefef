//! The Rust driver's part in the benchmark: the workloads of ../../../src/workloads.ts, told what to do as
//! ../../../src/protocol.ts says.
mod histogram;
mod workloads;

use histogram::Histogram;
use nix::sys::time::TimeValLike;
use nix::time::{clock_gettime, ClockId};
use serde::Deserialize;
use serde_json::json;
use std::io::BufRead;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};
use workloads::{connect, Failure, Workload};

#[derive(Deserialize)]
struct Stretch {
    milliseconds: u64,
    concurrency: usize,
    rate: Option<f64>,
}

/// User and system time of every thread.
fn cpu_micros() -> Result<i64, Failure> {
    let used = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)?;
    Ok(used.num_microseconds())
}

async fn closed_loop(workload: &Arc<Workload>, stretch: &Stretch) -> Result<u64, Failure> {
    let end = Instant::now() + Duration::from_millis(stretch.milliseconds);
    let failed = Arc::new(AtomicBool::new(false));
    let workers = (0..stretch.concurrency).map(|_| {
        let (workload, failed) = (workload.clone(), failed.clone());
        tokio::spawn(async move {
            let mut operations = 0;
            while Instant::now() < end && !failed.load(Ordering::Relaxed) {
                operations += workload.once().await.inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
            }
            Ok::<u64, Failure>(operations)
        })
    });
    let mut operations = 0;
    for done in futures::future::join_all(workers).await {
        operations += done??;
    }
    Ok(operations)
}

/// Begins operations by the clock; a latency counts from the moment at which its operation was to begin.
async fn at_rate(
    workload: &Arc<Workload>,
    stretch: &Stretch,
    rate: f64,
    latencies: &Arc<Histogram>,
) -> Result<u64, Failure> {
    let total = (stretch.milliseconds as f64 * rate / 1000.0) as u64;
    let interval = Duration::from_secs_f64(1.0 / rate);
    let runtime = tokio::runtime::Handle::current();
    let (workload, latencies) = (workload.clone(), latencies.clone());
    // A thread of its own: tokio's timers may be a millisecond late.
    tokio::task::spawn_blocking(move || {
        let start = Instant::now();
        let mut begun = Vec::with_capacity(total as usize);
        for n in 0..total {
            let due = start + interval * n as u32;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let (workload, latencies) = (workload.clone(), latencies.clone());
            begun.push(runtime.spawn(async move {
                workload.once().await?;
                latencies.record(due.elapsed());
                Ok::<(), Failure>(())
            }));
        }
        for one in runtime.block_on(futures::future::join_all(begun)) {
            one??;
        }
        Ok(total)
    })
    .await?
}

async fn connections(workload: &Workload, stretch: &Stretch, latencies: &Histogram) -> Result<u64, Failure> {
    let end = Instant::now() + Duration::from_millis(stretch.milliseconds);
    let mut operations = 0;
    while Instant::now() < end {
        let start = Instant::now();
        let fresh = Workload::new(connect(&workload.plan).await?, workload.plan.clone(), "point-read").await?;
        fresh.once().await?;
        latencies.record(start.elapsed());
        operations += 1;
    }
    Ok(operations)
}

async fn work(workload: &Arc<Workload>, stretch: Stretch) -> Result<serde_json::Value, Failure> {
    let latencies = Arc::new(Histogram::new());
    let before = cpu_micros()?;
    let start = Instant::now();
    let operations = match stretch.rate {
        _ if workload.name == "connect" => connections(workload, &stretch, &latencies).await?,
        Some(rate) => at_rate(workload, &stretch, rate, &latencies).await?,
        None => closed_loop(workload, &stretch).await?,
    };
    let milliseconds = start.elapsed().as_secs_f64() * 1000.0;
    Ok(json!({
        "operations": operations,
        "milliseconds": milliseconds,
        "cpuMicros": cpu_micros()? - before,
        "latency": latencies.sparse()
    }))
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let plan: Arc<workloads::Plan> = Arc::new(serde_json::from_str(&std::env::var("BENCH_PLAN")?)?);
    let name = std::env::args().nth(1).unwrap_or_default();
    let first = Workload::new(connect(&plan).await?, plan.clone(), "point-read").await?;
    first.once().await?;
    println!(
        "{}",
        json!({
            "version": env!("SCYLLA_VERSION"),
            "runtime": format!("{}, tokio, {} threads", env!("RUSTC_VERSION"), tokio::runtime::Handle::current().metrics().num_workers()),
            "cpuMicros": cpu_micros()?
        })
    );
    let workload = Arc::new(Workload::new(first.session, plan, &name).await?);
    for line in std::io::stdin().lock().lines() {
        let answer = work(&workload, serde_json::from_str(&line?)?).await;
        println!("{}", answer.unwrap_or_else(|error| json!({ "failure": error.to_string() })));
    }
    Ok(())
}
