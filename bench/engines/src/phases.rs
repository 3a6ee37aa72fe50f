//! What each contender is asked to do.

use std::path::Path;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::Result;
use crate::contenders::{Contender, open};
use crate::figures::{cpu_time, disk_mib, memory_mib};

const ITEMS: u64 = 1_000_000;
const VALUE_BYTES: usize = 300;

pub(crate) fn run(phase: &str, contender: &str, directory: &Path) -> Result<()> {
    match phase {
        "relaxed-512" => put(open(contender, directory, true)?.into(), phase, 512),
        "durable-1" => put(open(contender, directory, false)?.into(), phase, 1),
        "durable-64" => put(open(contender, directory, false)?.into(), phase, 64),
        "durable-512" => put(open(contender, directory, false)?.into(), phase, 512),
        "load" => load_and_die(&*open(contender, directory, false)?, directory),
        "read" => read(contender, directory),
        other => Err(format!("{other} is not a phase").into()),
    }
}

/// Spread over the key space, and found again from its number.
fn key(number: u64) -> Vec<u8> {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    [b"items/".as_slice(), &mixed.to_be_bytes(), &number.to_be_bytes()].concat()
}

/// Half noise, half text, as stored rows tend to be.
fn value(number: u64) -> Vec<u8> {
    let mut state = number | 1;
    let noise = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    });
    let text = b"attribute=value;".iter().copied().cycle();
    noise.take(VALUE_BYTES / 2).chain(text.take(VALUE_BYTES / 2)).collect()
}

fn put(contender: Arc<dyn Contender>, phase: &str, writers: u64) -> Result<()> {
    const SECONDS: u64 = 5;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (count, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (start, cpu) = (Instant::now(), cpu_time());
    let mut latencies: Vec<Duration> = runtime.block_on(async {
        let tasks: Vec<_> = (0..writers)
            .map(|_| {
                let (contender, count, is_over) = (contender.clone(), count.clone(), is_over.clone());
                tokio::spawn(async move {
                    let mut latencies = Vec::new();
                    while !is_over.load(Ordering::Relaxed) {
                        let number = count.fetch_add(1, Ordering::Relaxed);
                        let submitted = Instant::now();
                        contender.put(key(number), value(number)).await?;
                        latencies.push(submitted.elapsed());
                    }
                    Result::Ok(latencies)
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_secs(SECONDS)).await;
        is_over.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for task in tasks {
            all.extend(task.await??);
        }
        Result::Ok(all)
    })?;
    let (elapsed, cpu) = (start.elapsed(), cpu_time() - cpu);
    latencies.sort();
    let done = latencies.len();
    println!(
        "{phase:12} {:8.0} puts/s, {:6.1} CPU us each, latency p50 {:?} p99 {:?} max {:?}, peak {} MiB",
        done as f64 / elapsed.as_secs_f64(),
        cpu.as_secs_f64() * 1e6 / done as f64,
        latencies[done / 2],
        latencies[done * 99 / 100],
        latencies[done - 1],
        memory_mib("VmHWM")?,
    );
    Ok(())
}

/// Writes the items, says so, and dies as if killed: no destructor runs.
fn load_and_die(contender: &dyn Contender, directory: &Path) -> Result<()> {
    const BATCH: u64 = 500;
    let (start, cpu) = (Instant::now(), cpu_time());
    for first in (0..ITEMS).step_by(BATCH as usize) {
        contender.load((first..first + BATCH).map(|number| (key(number), value(number))).collect())?;
    }
    println!(
        "load         {:.1} s, {:.1} CPU s, {} MiB on disk, peak {} MiB",
        start.elapsed().as_secs_f64(),
        (cpu_time() - cpu).as_secs_f64(),
        disk_mib(directory)?,
        memory_mib("VmHWM")?,
    );
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)?;
    process::abort()
}

/// Opens what the killed process left, and looks for the last item it wrote.
fn ready(contender: &str, directory: &Path) -> Result<Box<dyn Contender>> {
    let start = Instant::now();
    let opened = open(contender, directory, false)?;
    let found = opened.get(&key(ITEMS - 1))?;
    let ready = start.elapsed();
    if found != Some(VALUE_BYTES) {
        return Err("the last item is lost".into());
    }
    let memory = memory_mib("VmRSS")?;
    println!("ready        {ready:?} after a kill, {memory} MiB resident");
    Ok(opened)
}

fn read(contender: &str, directory: &Path) -> Result<()> {
    const GETS: u64 = 200_000;
    const SCANS: u64 = 5_000;
    let opened = ready(contender, directory)?;
    let numbers = |count: u64| (0..count).map(|n| n.wrapping_mul(7919) % ITEMS);
    for (name, span) in [("get spread", ITEMS), ("get hot", 2_000)] {
        let (start, cpu) = (Instant::now(), cpu_time());
        for number in numbers(GETS) {
            if opened.get(&key(number % span))?.is_none() {
                return Err("an item is lost".into());
            }
        }
        println!("{name:12} {}", each(start, cpu, GETS));
    }
    let (start, cpu) = (Instant::now(), cpu_time());
    for number in numbers(SCANS) {
        opened.scan(&key(number), 100)?;
    }
    println!("scan of 100  {}", each(start, cpu, SCANS));
    println!(
        "after reads  {} MiB resident, peak {} MiB, {} MiB on disk",
        memory_mib("VmRSS")?,
        memory_mib("VmHWM")?,
        disk_mib(directory)?
    );
    Ok(())
}

fn each(start: Instant, cpu: Duration, count: u64) -> String {
    let microseconds = |time: Duration| time.as_secs_f64() * 1e6 / count as f64;
    format!("{:.2} us each, {:.2} CPU us", microseconds(start.elapsed()), microseconds(cpu_time() - cpu))
}
