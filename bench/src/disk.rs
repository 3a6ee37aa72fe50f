//! What one small durable write costs on a disk.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// The median time of a file of `bytes`, written in one go and synced, in a folder of its own below `folder`.
pub fn file_time(folder: &Path, bytes: usize, count: usize) -> std::io::Result<Duration> {
    let own = folder.join(format!("brume-files-{}", std::process::id()));
    std::fs::create_dir(&own)?;
    let content = vec![b'x'; bytes];
    let mut times = Vec::new();
    for number in 0..count.max(1) {
        let started = Instant::now();
        let mut file = std::fs::File::create_new(own.join(number.to_string()))?;
        file.write_all(&content)?;
        file.sync_all()?;
        times.push(started.elapsed());
    }
    std::fs::remove_dir_all(&own)?;
    times.sort();
    Ok(times[times.len() / 2])
}

/// The median time of a 300-byte append and its `fdatasync`, in a file of its own below `folder`.
pub fn fdatasync_time(folder: &Path) -> std::io::Result<Duration> {
    let path = folder.join(format!("brume-disk-{}", std::process::id()));
    let mut file = std::fs::OpenOptions::new().create_new(true).append(true).open(&path)?;
    let mut times = Vec::new();
    for _ in 0..200 {
        let started = Instant::now();
        file.write_all(&[b'x'; 300])?;
        file.sync_data()?;
        times.push(started.elapsed());
    }
    std::fs::remove_file(&path)?;
    times.sort();
    Ok(times[times.len() / 2])
}
