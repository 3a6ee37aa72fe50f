//! `brume bench SERVICE --endpoint URL`

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use brume_bench::{Client, Endpoint, Load, Report, scenarios};
use clap::{Args, ValueEnum};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use crate::failure::Failure;

#[derive(Args)]
pub(crate) struct Bench {
    #[arg(value_enum)]
    subject: Subject,
    /// Any endpoint that speaks AWS's protocols over plain HTTP.
    #[arg(long, env = "AWS_ENDPOINT_URL", default_value = "http://127.0.0.1:4566")]
    endpoint: String,
    #[arg(long, default_value_t = 64)]
    connections: usize,
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    #[arg(long, env = "AWS_ACCESS_KEY_ID", default_value = "test")]
    access_key: String,
    #[arg(long, env = "AWS_SECRET_ACCESS_KEY", default_value = "test", hide_env_values = true)]
    secret: String,
    #[arg(long, env = "AWS_REGION", default_value = "us-east-1")]
    region: String,
    /// For `sqs` and `sqs-batch`: how many messages wait on the queue beforehand. For `s3`: how many objects are listed.
    #[arg(long, default_value_t = 0)]
    backlog: usize,
    /// For `s3`: measure lists alone.
    #[arg(long)]
    only_lists: bool,
    /// For `url`: the path that is posted to.
    #[arg(long, default_value = "/")]
    path: String,
    /// For `disk`, `s3`, `files` and `synced-files`: where plain files are written.
    #[arg(long, default_value = ".")]
    folder: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Subject {
    /// A bare server on the same HTTP stack, in a process of its own as the region is.
    Echo,
    /// That server alone: prints its address and serves until it is stopped.
    EchoServer,
    /// SendMessage, then ReceiveMessage with DeleteMessage.
    Sqs,
    /// SendMessageBatch of ten, then ReceiveMessage of ten with DeleteMessageBatch: counted in messages.
    SqsBatch,
    /// A long poll on every connection.
    SqsWait,
    /// One message at a time through a topic and an event bus to a receiver that waits.
    Delivery,
    /// PutItem, GetItem, UpdateItem on a condition, TransactWriteItems of two, BatchWriteItem of 25, Query of ten.
    Dynamodb,
    /// PutObject and GetObject of 4 KB, 1 MB and 64 MB beside plain synced files, and with `--backlog` lists of 1,000 keys.
    S3,
    /// GETs of plain files of the same sizes from a server of files whose root is `--folder`.
    Files,
    /// Plain files of the same sizes, written and synced by as many threads as S3 is given connections.
    SyncedFiles,
    /// Invoke of warm functions, one at a time and eight at once, and of functions that have to be started.
    Lambda,
    /// POSTs to a path of the endpoint.
    Url,
    /// One small write with fdatasync.
    Disk,
}

impl Bench {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(self.measure())
    }

    async fn measure(self) -> Result<(), Failure> {
        let load = Load {
            connections: self.connections,
            duration: Duration::from_secs(self.seconds),
            ..Default::default()
        };
        match self.subject {
            Subject::Echo => {
                let (server, endpoint) = echo_process().await?;
                print(&scenarios::echo::measure(&self.client(&endpoint)?, load).await?);
                drop(server);
            }
            Subject::EchoServer => {
                let listener = TcpListener::bind("127.0.0.1:0").await?;
                println!("http://{}", listener.local_addr()?);
                brume_bench::serve_echo(listener).await?;
            }
            Subject::Sqs => {
                let queue = scenarios::sqs::Queue::create(&self.client(&self.endpoint)?).await?;
                queue.fill(self.backlog, load).await?;
                print(&queue.send(load).await?);
                print(&queue.receive_and_delete(load).await?);
                queue.delete().await?;
            }
            Subject::SqsBatch => {
                let queue = scenarios::sqs::Queue::create(&self.client(&self.endpoint)?).await?;
                queue.fill(self.backlog, load).await?;
                print(&queue.send_batches(load).await?);
                print(&queue.receive_and_delete_batches(load).await?);
                queue.delete().await?;
            }
            Subject::SqsWait => {
                let queue = scenarios::sqs::Queue::create(&self.client(&self.endpoint)?).await?;
                print(&queue.wait(load).await?);
                queue.delete().await?;
            }
            Subject::Delivery => {
                let paths = scenarios::delivery::Paths::create(&self.client(&self.endpoint)?).await?;
                print(&paths.publish(load).await?);
                print(&paths.put_events(load).await?);
                paths.delete().await?;
            }
            Subject::Dynamodb => {
                let table = scenarios::dynamodb::Table::create(&self.client(&self.endpoint)?).await?;
                print(&table.put(load).await?);
                print(&table.get(load).await?);
                print(&table.update(load).await?);
                print(&table.transact(load).await?);
                print(&table.batch(load).await?);
                print(&table.query(load).await?);
                table.delete().await?;
            }
            Subject::S3 => self.measure_s3(load).await?,
            Subject::Files => {
                let files = scenarios::files::Files::new(&self.client(&self.endpoint)?, &self.folder);
                for size in scenarios::s3::SIZES {
                    print(&files.get(size, load).await?);
                }
            }
            Subject::SyncedFiles => {
                for (size, bytes, _, most) in scenarios::s3::SIZES {
                    let name = format!("a synced file of {size}");
                    let writers = load.connections.min(most);
                    print(&brume_bench::synced_files(&self.folder, &name, bytes, writers, load)?);
                }
            }
            Subject::Lambda => {
                for runtime in scenarios::lambda::RUNTIMES {
                    let function =
                        scenarios::lambda::Function::create(&self.client(&self.endpoint)?, runtime).await?;
                    function.invoke(load).await?.iter().for_each(print);
                    print(&function.start().await?);
                    function.delete().await?;
                }
            }
            Subject::Url => {
                print(&scenarios::url::measure(&self.client(&self.endpoint)?, &self.path, load).await?);
            }
            Subject::Disk => {
                let time = brume_bench::fdatasync_time(&self.folder)?;
                println!("fdatasync  p50 {:.3} ms", time.as_secs_f64() * 1000.0);
            }
        }
        Ok(())
    }

    async fn measure_s3(&self, load: Load) -> Result<(), Failure> {
        let bucket = scenarios::s3::Bucket::create(&self.client(&self.endpoint)?, self.connections).await?;
        let sizes: &[_] = if self.only_lists { &[] } else { &scenarios::s3::SIZES };
        for &size in sizes {
            bucket.put_and_get(size, load).await?.iter().for_each(print);
            let (name, bytes, objects, _) = size;
            let time = brume_bench::file_time(&self.folder, bytes, objects.min(50))?;
            println!("a synced file of {name}  p50 {:.2} ms", time.as_secs_f64() * 1000.0);
        }
        if self.backlog > 0 {
            bucket.fill(self.backlog).await?;
            print(&bucket.list(self.backlog, load).await?);
        }
        bucket.delete(self.backlog).await?;
        Ok(())
    }

    fn client(&self, endpoint: &str) -> Result<Client, Failure> {
        Ok(Client::new(Endpoint::parse(endpoint)?, &self.access_key, &self.secret, &self.region))
    }
}

/// The echo server as a process that ends with its handle, and its address.
async fn echo_process() -> Result<(Child, String), Failure> {
    let mut server = Command::new(std::env::current_exe()?)
        .args(["bench", "echo-server"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut address = String::new();
    if let Some(stdout) = server.stdout.take() {
        BufReader::new(stdout).read_line(&mut address).await?;
    }
    Ok((server, address.trim().to_owned()))
}

fn print(report: &Report) {
    let millis = |time: Duration| time.as_secs_f64() * 1000.0;
    println!(
        "{:<32} {:>4} connections {:>9.0}/s   p50 {:.2} ms   p99 {:.2} ms   longest {:.2} ms",
        report.name,
        report.connections,
        report.rate(),
        millis(report.p50),
        millis(report.p99),
        millis(report.longest),
    );
}
