//! The list of services, and what each needs of the machine.

use std::future::Future;
use std::net::TcpListener;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use blobs::DirectoryBlobs;
use clock::JobKind;
use cloud::{BoxFuture, Cloud, Directory, HttpEndpoint, Service};
use gateway::Gateway;
use lambda::{FunctionNetwork, LambdaService};
use sandbox::{Isolation, Sandboxes};
use tracing::{error, warn};

use crate::failure::Failure;
use crate::region::Options;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What functions run with.
#[derive(Clone, Debug, Default)]
pub(crate) struct FunctionOptions {
    /// Folders of the SDKs that functions find installed.
    pub python_packages: Option<PathBuf>,
    pub node_modules: Option<PathBuf>,
    pub python: Option<PathBuf>,
    pub node: Option<PathBuf>,
    /// Functions share the machine's network instead of reaching the region alone.
    pub has_host_network: bool,
}

/// Where mail goes; to the inbox when there is no server.
#[derive(Clone, Debug, Default)]
pub(crate) struct MailOptions {
    /// `smtp://user:password@host:port` or `smtps://...`
    pub server: Option<String>,
    pub from: Option<String>,
}

/// The parts of a region.
pub(crate) struct Parts {
    pub services: Vec<Service>,
    pub directory: Arc<dyn Directory>,
    pub jobs: Vec<JobKind>,
    pub endpoints: Vec<Arc<dyn HttpEndpoint>>,
    /// For the operator's look into queues.
    pub queues: sqs::SqsService,
    /// What isolation is in force for functions.
    pub isolation: String,
    pub inner_listeners: InnerListeners,
    /// Work to take up again once the region is open.
    pub started: Task,
    pub stop: Box<dyn FnOnce() -> Task + Send>,
}

/// Listeners inside the network namespaces of functions, which the gateway serves like its own.
#[derive(Clone, Default)]
pub(crate) struct InnerListeners(Arc<OnceLock<Arc<Gateway>>>);

impl InnerListeners {
    /// Serves `listener` until `stop` resolves. Functions start only once the region is open.
    fn serve(&self, listener: TcpListener, stop: BoxFuture<'static, ()>) {
        let Some(gateway) = self.0.get().cloned() else {
            warn!("a function started before the region was open");
            return;
        };
        let listener =
            listener.set_nonblocking(true).and_then(|()| tokio::net::TcpListener::from_std(listener));
        match listener {
            Ok(listener) => {
                tokio::spawn(gateway::serve_inside(gateway, listener, stop));
            }
            Err(cause) => warn!(error = %cause, "a function's way to the region could not be opened"),
        }
    }

    pub(crate) fn serve_with(&self, gateway: Arc<Gateway>) {
        let _ = self.0.set(gateway);
    }
}

/// How long an environment without work is kept warm.
const FUNCTION_IDLE: Duration = Duration::from_secs(600);
/// Concurrent executions of an account (AWS Lambda Developer Guide, "Lambda quotas").
const FUNCTION_CONCURRENCY: u32 = 1000;

/// Everything that the region is made of.
pub(crate) fn assemble(cloud: &Cloud, options: &Options, port: u16) -> Result<Parts, Failure> {
    let data = options.data.path();
    let inner_listeners = InnerListeners::default();
    let sandboxes = Sandboxes::probe(&data.join("functions"), Isolation::Best)?;
    let isolation = sandboxes.report().to_string();
    let lambda = lambda_service(cloud, options, port, sandboxes, inner_listeners.clone())?;
    let is_durable = options.durability == kv::Durability::Durable;
    let contents = s3::ContentOptions { is_durable, hot_bytes: options.object_cache_bytes };
    let objects = s3::ObjectStore::open(cloud.clone(), &data.join("objects"), contents)?;
    let stored_objects = objects.clone();
    let limits =
        dynamodb::Limits { has_throttling: options.has_dynamodb_throttling, ..dynamodb::Limits::default() };
    let dynamodb = dynamodb::DynamoDbService::with_limits(cloud.clone(), limits);
    let dax = dax::DaxService::new(cloud.clone());
    let scaling = application_autoscaling::AutoScalingService::new(cloud.clone());
    let bridge = events::EventBridge::new(cloud.clone());
    let vaults = glacier::VaultStore::open(cloud.clone(), &data.join("vaults"), is_durable)?;
    let mail = sns::Config { smtp: options.mail.smtp()?, push: options.push.clone() };

    let kms = kms::KmsService::new(cloud.clone());
    let secrets = secretsmanager::SecretsService::new(cloud.clone());
    let scheduler = scheduler::SchedulerService::new(cloud.clone(), bridge.api_destinations());
    let pipes = pipes::PipesService::new(cloud.clone(), bridge.api_destinations());
    let sqs = sqs::SqsService::new(cloud.clone());
    let ssm = ssm::SsmService::new(cloud.clone());

    let services = vec![
        apigateway::service(cloud.clone()),
        scaling.service(),
        dax.service(),
        dynamodb.service(),
        dynamodb.streams_service(),
        bridge.service(),
        vaults.service(),
        iam::service(cloud.clone()),
        iam::sts_service(cloud.clone()),
        kms.service(),
        lambda.service(),
        logs::service(cloud.clone()),
        objects.service(),
        objects.control_service(),
        pipes.service(),
        scheduler.service(),
        secrets.service(),
        sns::service(cloud.clone(), mail.clone()),
        sqs.service(),
        ssm.service(),
    ];
    let mut jobs = lambda.jobs();
    jobs.extend(bridge.jobs());
    jobs.extend(dax.jobs());
    jobs.extend(dynamodb.jobs());
    jobs.extend(vaults.jobs());
    jobs.extend(iam::jobs(cloud));
    jobs.extend(kms.jobs());
    jobs.extend(logs::jobs(cloud));
    jobs.extend(objects.jobs());
    jobs.extend(pipes.jobs());
    jobs.extend(scaling.jobs());
    jobs.extend(scheduler.jobs());
    jobs.extend(secrets.jobs());
    jobs.extend(sns::jobs(cloud, mail));
    jobs.extend(sqs.jobs());
    jobs.extend(ssm.jobs());
    let (starting, flowing) = (lambda.clone(), pipes.clone());
    Ok(Parts {
        services,
        directory: iam::directory(cloud.clone()),
        jobs,
        endpoints: vec![
            apigateway::execution(cloud.clone()),
            lambda.endpoint(),
            sns::endpoint(cloud.clone()),
        ],
        queues: sqs.clone(),
        isolation,
        inner_listeners,
        started: Box::pin(async move {
            if let Err(cause) = starting.start() {
                error!(error = %cause, "event sources could not be taken up again");
            }
            if let Err(cause) = flowing.start() {
                error!(error = %cause, "pipes could not be taken up again");
            }
            if let Err(cause) = objects.start().await {
                error!(error = %cause, "the object store's own work could not be scheduled");
            }
            if let Err(cause) = vaults.start().await {
                error!(error = %cause, "the vaults' own work could not be scheduled");
            }
            if let Err(cause) = dax.start() {
                error!(error = %cause, "the ports of DAX's clusters could not be opened");
            }
        }),
        stop: Box::new(move || {
            Box::pin(async move {
                pipes.stop();
                lambda.stop();
                stored_objects.stop().await;
                sqs.stop().await;
            })
        }),
    })
}

fn lambda_service(
    cloud: &Cloud,
    options: &Options,
    port: u16,
    sandboxes: Sandboxes,
    inner_listeners: InnerListeners,
) -> Result<LambdaService, Failure> {
    let data = options.data.path();
    let functions = options.functions.clone();
    let network = if functions.has_host_network { FunctionNetwork::Host } else { FunctionNetwork::Isolated };
    let config = lambda::Config {
        data_dir: data.join("functions"),
        blobs: Arc::new(DirectoryBlobs::open(&data.join("blobs"))?),
        sandboxes,
        network,
        region_port: port,
        serve_region: Arc::new(move |listener, stop| inner_listeners.serve(listener, stop)),
        concurrency: FUNCTION_CONCURRENCY,
        idle: FUNCTION_IDLE,
        memory_mb: usable_memory_mb(),
        python: functions.python,
        node: functions.node,
        python_packages: functions.python_packages,
        node_packages: functions.node_modules,
    };
    Ok(LambdaService::new(cloud.clone(), config))
}

/// Three quarters of the machine's memory: what functions may take together.
fn usable_memory_mb() -> u32 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kilobytes = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
    u32::try_from(kilobytes.unwrap_or(4 << 20) / 1024 * 3 / 4).unwrap_or(u32::MAX)
}

impl MailOptions {
    /// Reads `smtp://user:password@host:port`.
    fn smtp(&self) -> Result<Option<sns::Smtp>, Failure> {
        let Some(url) = &self.server else { return Ok(None) };
        let invalid =
            || Failure::new(format!("{url} is not like smtp://user:password@host:port or smtps://host"));
        let (scheme, rest) = url.split_once("://").ok_or_else(invalid)?;
        let (login, address) = match rest.rsplit_once('@') {
            Some((login, address)) => (Some(login), address),
            None => (None, rest),
        };
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().map_err(|_| invalid())?)),
            None => (address, None),
        };
        let credentials = match login {
            Some(login) => {
                let (user, password) = login.split_once(':').ok_or_else(invalid)?;
                Some((user.to_owned(), password.to_owned()))
            }
            None => None,
        };
        // Passwords do not cross a network in the clear; a server on this machine needs none.
        let (encryption, usual_port) = match (scheme, &credentials) {
            ("smtps", _) => (sns::Encryption::Tls, 465),
            ("smtp", Some(_)) => (sns::Encryption::StartTls, 587),
            ("smtp", None) => (sns::Encryption::None, 25),
            _ => return Err(invalid()),
        };
        Ok(Some(sns::Smtp {
            host: host.to_owned(),
            port: port.unwrap_or(usual_port),
            from: self.from.clone().unwrap_or_else(|| format!("brume@{host}")),
            encryption,
            credentials,
        }))
    }
}
