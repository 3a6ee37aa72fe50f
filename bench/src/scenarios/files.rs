//! Plain files that a server of files gives out: what S3's reads are compared with.

use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::{BenchError, Client, Load, Report, load};

/// Files below the folder that the endpoint serves; removed when dropped.
pub struct Files {
    client: Client,
    root: PathBuf,
}

impl Files {
    pub fn new(client: &Client, root: &Path) -> Self {
        Self { client: client.clone(), root: root.to_owned() }
    }

    /// GETs of files of one of [`super::s3::SIZES`], as many and by as many connections as S3's objects of that size.
    pub async fn get(
        &self,
        (size, bytes, files, most): (&str, usize, usize, usize),
        load: Load,
    ) -> Result<Report, BenchError> {
        let load = Load { connections: load.connections.min(most), ..load };
        let folder = self.folder(bytes);
        std::fs::create_dir_all(&folder)?;
        let content: Vec<u8> = (0..bytes).map(|index| (index * 31 % 251) as u8).collect();
        for number in 0..files {
            std::fs::write(folder.join(number.to_string()), &content)?;
        }
        let host = &self.client.endpoint.authority;
        let requests = (0..files)
            .map(|number| {
                Bytes::from(format!("GET /brume-bench/{bytes}/{number} HTTP/1.1\r\nhost: {host}\r\n\r\n"))
            })
            .collect();
        let report = load::run(&self.client, "GET of a file", requests, load).await?;
        std::fs::remove_dir_all(&folder)?;
        Ok(Report { name: format!("GET of a file of {size}"), ..report })
    }

    fn folder(&self, bytes: usize) -> PathBuf {
        self.root.join("brume-bench").join(bytes.to_string())
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.root.join("brume-bench"));
    }
}
