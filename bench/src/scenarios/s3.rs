//! S3: putting and getting objects of three sizes, and listing a bucket of many.

use std::sync::Arc;

use bytes::Bytes;
use s3_api::op::{CreateBucket, DeleteBucket, DeleteObject, GetObject, ListObjectsV2, PutObject};
use s3_api::{
    CreateBucketInput, DeleteBucketInput, DeleteObjectInput, GetObjectInput, ListObjectsV2Input,
    PutObjectInput,
};

use crate::connection::Connection;
use crate::{BenchError, Client, Load, Report, load};

/// Names, bytes, different objects, and most connections at once: large objects fill a link with few.
pub const SIZES: [(&str, usize, usize, usize); 3] =
    [("4 KB", 4 << 10, 1024, 64), ("1 MB", 1 << 20, 32, 8), ("64 MB", 64 << 20, 2, 2)];
/// Requests built at once when a bucket is filled or emptied.
const STEP: usize = 4096;

/// A bucket of the measurement's own.
pub struct Bucket {
    client: Client,
    name: String,
    connections: usize,
}

impl Bucket {
    pub async fn create(client: &Client, connections: usize) -> Result<Self, BenchError> {
        let name = format!("brume-bench-{}", std::process::id());
        let bucket = Self { client: client.clone(), name, connections: connections.max(1) };
        let input = CreateBucketInput { bucket: bucket.name.clone(), ..Default::default() };
        bucket.each(vec![client.request::<CreateBucket>(&input)?]).await?;
        Ok(bucket)
    }

    /// PutObject and then GetObject of one of [`SIZES`].
    pub async fn put_and_get(
        &self,
        (size, bytes, objects, most): (&str, usize, usize, usize),
        load: Load,
    ) -> Result<[Report; 2], BenchError> {
        let load = Load { connections: load.connections.min(most), ..load };
        let body: Bytes = (0..bytes).map(|index| (index * 31 % 251) as u8).collect::<Vec<u8>>().into();
        let puts = (0..objects).map(|number| self.put(&format!("{bytes}/{number}"), body.clone()));
        let puts: Vec<Bytes> = puts.collect::<Result<_, _>>()?;
        // Every object is there before any is read.
        self.each(puts.clone()).await?;
        let put = load::run(&self.client, "PutObject", puts, load).await?;
        let gets = (0..objects).map(|number| {
            let key = format!("{bytes}/{number}");
            let input = GetObjectInput { bucket: self.name.clone(), key, ..Default::default() };
            self.client.request::<GetObject>(&input)
        });
        let get = load::run(&self.client, "GetObject", gets.collect::<Result<_, _>>()?, load).await?;
        let gone = (0..objects).map(|number| self.delete_one(&format!("{bytes}/{number}")));
        self.each(gone.collect::<Result<_, _>>()?).await?;
        let named = |report: Report| Report { name: format!("{} {size}", report.name), ..report };
        Ok([named(put), named(get)])
    }

    /// Puts `count` small objects.
    pub async fn fill(&self, count: usize) -> Result<(), BenchError> {
        for begin in (0..count).step_by(STEP) {
            let numbers = begin..count.min(begin + STEP);
            let puts = numbers.map(|number| self.put(&listed_key(number), Bytes::from_static(b"x")));
            self.each(puts.collect::<Result<_, _>>()?).await?;
        }
        Ok(())
    }

    /// ListObjectsV2 of 1,000 keys, beginning anywhere among the `count` that [`Self::fill`] put.
    pub async fn list(&self, count: usize, load: Load) -> Result<Report, BenchError> {
        let load = Load { connections: 1, ..load };
        let requests = (0..super::POOL).map(|number| {
            let after = listed_key(number * 7919 % count.saturating_sub(1000).max(1));
            let input = ListObjectsV2Input {
                bucket: self.name.clone(),
                max_keys: Some(1000),
                start_after: Some(after),
                ..Default::default()
            };
            self.client.request::<ListObjectsV2>(&input)
        });
        load::run(&self.client, "ListObjectsV2", requests.collect::<Result<_, _>>()?, load).await
    }

    /// Deletes the bucket with the `count` objects that it was filled with.
    pub async fn delete(self, count: usize) -> Result<(), BenchError> {
        for begin in (0..count).step_by(STEP) {
            let gone = (begin..count.min(begin + STEP)).map(|number| self.delete_one(&listed_key(number)));
            self.each(gone.collect::<Result<_, _>>()?).await?;
        }
        let input = DeleteBucketInput { bucket: self.name.clone(), ..Default::default() };
        self.each(vec![self.client.request::<DeleteBucket>(&input)?]).await
    }

    fn put(&self, key: &str, body: Bytes) -> Result<Bytes, BenchError> {
        let input = PutObjectInput {
            bucket: self.name.clone(),
            key: key.to_owned(),
            body: Some(body.into()),
            ..Default::default()
        };
        self.client.request::<PutObject>(&input)
    }

    fn delete_one(&self, key: &str) -> Result<Bytes, BenchError> {
        let input =
            DeleteObjectInput { bucket: self.name.clone(), key: key.to_owned(), ..Default::default() };
        self.client.request::<DeleteObject>(&input)
    }

    /// Sends each request once.
    async fn each(&self, requests: Vec<Bytes>) -> Result<(), BenchError> {
        let requests = Arc::new(requests);
        let connections = self.connections.min(requests.len());
        let mut tasks = Vec::new();
        for first in 0..connections {
            let (requests, client) = (Arc::clone(&requests), self.client.clone());
            tasks.push(tokio::spawn(async move {
                let mut connection = Connection::open(&client.endpoint.authority).await?;
                for request in requests.iter().skip(first).step_by(connections) {
                    let (status, body) = connection.exchange(request).await?;
                    if !(200..300).contains(&status) {
                        let body = String::from_utf8_lossy(&body).into_owned();
                        let operation = "filling and emptying";
                        return Err(BenchError::Refused { operation, status, body });
                    }
                }
                Ok(())
            }));
        }
        for task in tasks {
            task.await.map_err(|error| BenchError::Request(error.to_string()))??;
        }
        Ok(())
    }
}

/// Keys in the order of their numbers.
fn listed_key(number: usize) -> String {
    format!("listed/{number:09}")
}
