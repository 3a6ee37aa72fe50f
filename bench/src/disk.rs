//! What one small durable write costs on a disk.

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::load::{Load, Report, report};

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

/// Files of `bytes` each, written and synced by `writers` threads for a while, in a folder of their own below `folder`: what
/// a program does that does nothing else. Every writer goes round among a few files.
pub fn synced_files(
    folder: &Path,
    name: &str,
    bytes: usize,
    writers: usize,
    load: Load,
) -> io::Result<Report> {
    const ROUND: usize = 4;
    let own = folder.join(format!("brume-synced-{}", std::process::id()));
    std::fs::create_dir(&own)?;
    let content = vec![b'x'; bytes];
    let start = Instant::now() + load.warm_up;
    let end = start + load.duration;
    let write = |writer: usize| -> io::Result<Vec<u32>> {
        let mut times = Vec::new();
        for number in 0.. {
            let begun = Instant::now();
            if begun >= end {
                break;
            }
            let path = own.join(format!("{writer}-{}", number % ROUND));
            if number >= ROUND {
                std::fs::remove_file(&path)?;
            }
            let mut file = std::fs::File::create_new(path)?;
            file.write_all(&content)?;
            file.sync_all()?;
            if begun >= start {
                times.push(u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX));
            }
        }
        Ok(times)
    };
    let times = std::thread::scope(|scope| {
        let writing: Vec<_> = (0..writers)
            .map(|writer| {
                scope.spawn({
                    let write = &write;
                    move || write(writer)
                })
            })
            .collect();
        let joined = writing
            .into_iter()
            .map(|one| one.join().unwrap_or_else(|_| Err(io::Error::other("a writer has panicked"))));
        joined.collect::<io::Result<Vec<_>>>()
    });
    std::fs::remove_dir_all(&own)?;
    let load = Load { connections: writers, ..load };
    Ok(report(name, load, times?.concat()))
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
