//! What the operating system says about this process and its disk.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::Result;

/// CPU time of all threads of this process so far.
pub(crate) fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// `VmRSS` or `VmHWM` of this process, in MiB.
pub(crate) fn memory_mib(field: &str) -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(field)).ok_or("no such field")?;
    let kib: u64 = line.split_whitespace().nth(1).ok_or("no number")?.parse()?;
    Ok(kib / 1024)
}

/// Space that the files below `directory` take, in MiB. Holes do not count.
pub(crate) fn disk_mib(directory: &Path) -> Result<u64> {
    Ok(disk_bytes(directory)? >> 20)
}

fn disk_bytes(directory: &Path) -> Result<u64> {
    use std::os::unix::fs::MetadataExt;
    let mut bytes = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { disk_bytes(&entry.path())? } else { metadata.blocks() * 512 };
    }
    Ok(bytes)
}

/// What one `fdatasync` costs on the disk of `directory`.
pub(crate) fn sync_latency(directory: &Path) -> Result<String> {
    let path = directory.join("sync-latency");
    let mut file = File::create(&path)?;
    let mut times = Vec::new();
    for _ in 0..500 {
        file.write_all(&[1; 4096])?;
        let start = Instant::now();
        file.sync_data()?;
        times.push(start.elapsed());
    }
    fs::remove_file(path)?;
    times.sort();
    Ok(format!("p50 {:?}, p99 {:?}", times[250], times[495]))
}
