//! `brume up`

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::region::{self, Options};
use crate::services::{FunctionOptions, MailOptions};

#[derive(Args)]
pub(crate) struct Up {
    /// Where the region keeps its state [default: $XDG_DATA_HOME/brume or ~/.local/share/brume].
    #[arg(long)]
    data: Option<PathBuf>,
    /// Keep the state in a directory that goes away with the region, without waiting for the disk.
    #[arg(long, conflicts_with = "data")]
    ephemeral: bool,
    #[arg(long, default_value_t = 4566)]
    port: u16,
    /// The address to listen on; beyond loopback only with --strict.
    #[arg(long, default_value = "127.0.0.1")]
    address: IpAddr,
    /// Refuse access keys that the region has not given out.
    #[arg(long)]
    strict: bool,
    /// Let the provisioned throughput and the on-demand limits of DynamoDB tables run out, as they do at AWS.
    #[arg(long)]
    dynamodb_throttling: bool,
    /// Megabytes of memory for objects of S3 that are read again and again; an object of more than half of it stays on disk.
    #[arg(long, default_value_t = 256, value_name = "MB")]
    object_cache: u32,
    /// Whether an acknowledged write is on disk.
    #[arg(long, value_enum, default_value = "durable")]
    durability: Durability,
    /// The region that unsigned requests mean.
    #[arg(long, default_value = "us-east-1")]
    region: String,
    /// Certificate chain in PEM form: the region speaks TLS.
    #[arg(long, requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    #[arg(long, requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// Where functions' network ends: at the region, or not at all short of the machine's.
    #[arg(long, value_enum, default_value = "region")]
    function_network: FunctionNetwork,
    /// Python interpreter for functions [default: python3 on the PATH].
    #[arg(long)]
    python: Option<PathBuf>,
    /// Node.js for functions [default: node on the PATH].
    #[arg(long)]
    node: Option<PathBuf>,
    /// Folder of packages that python functions find installed, such as boto3.
    #[arg(long)]
    python_packages: Option<PathBuf>,
    /// The node_modules folder that node functions find installed.
    #[arg(long)]
    node_modules: Option<PathBuf>,
    /// Server for outgoing mail: smtp://user:password@host:port, or smtps://. Without one, mail stays in the inbox.
    #[arg(long, env = "BRUME_SMTP")]
    smtp: Option<String>,
    /// Sends push notifications with the keys of platform applications: `real`, to Google and Apple, or to a URL that stands
    /// for both. Without it, they stay in the inbox.
    #[arg(long, env = "BRUME_PUSH")]
    push: Option<String>,
    /// Sender of outgoing mail.
    #[arg(long)]
    mail_from: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Durability {
    Durable,
    Relaxed,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum FunctionNetwork {
    Region,
    Host,
}

impl Up {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let filter = EnvFilter::try_from_env("BRUME_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
        let options = self.options()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(region::run(options))
    }

    fn options(self) -> Result<Options, Failure> {
        let data = if self.ephemeral { DataDir::ephemeral()? } else { DataDir::at(self.data)? };
        let durability = match self.durability {
            Durability::Durable if !self.ephemeral => kv::Durability::Durable,
            _ => kv::Durability::Relaxed,
        };
        let default_region = identity::Region::parse(&self.region)
            .filter(identity::Region::is_known)
            .ok_or_else(|| Failure::new(format!("{} is no region of AWS; one is us-east-1", self.region)))?;
        Ok(Options {
            data,
            address: self.address,
            port: self.port,
            is_strict: self.strict,
            has_dynamodb_throttling: self.dynamodb_throttling,
            object_cache_bytes: u64::from(self.object_cache) << 20,
            durability,
            default_region,
            tls: self.tls_certificate.zip(self.tls_key),
            functions: FunctionOptions {
                python_packages: self.python_packages,
                node_modules: self.node_modules,
                python: self.python,
                node: self.node,
                has_host_network: self.function_network == FunctionNetwork::Host,
            },
            mail: MailOptions { server: self.smtp, from: self.mail_from },
            push: self.push.map(|to| match to.as_str() {
                "real" => sns::Gateways::real(),
                url => sns::Gateways::at(url),
            }),
        })
    }
}
