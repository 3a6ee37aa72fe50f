//! Which service a request is for.

use rustc_hash::FxHashMap;
use shapes::{OperationSchema, ServiceSchema};
use wire::Request;
use wire::identify::{self, Head};
use wire::router::Router;

/// The services by every name that requests call them. All names are the models', so a quick hash does.
pub(crate) struct Routes {
    services: Vec<Routed>,
    by_target: FxHashMap<&'static str, usize>,
    /// Several services may share a signing name: DynamoDB and its streams.
    by_signing_name: FxHashMap<&'static str, Vec<usize>>,
    by_host_label: FxHashMap<&'static str, usize>,
}

pub(crate) struct Routed {
    pub schema: &'static ServiceSchema,
    /// Finds REST operations.
    pub router: Router,
    operations: FxHashMap<&'static str, &'static OperationSchema>,
}

impl Routed {
    fn new(schema: &'static ServiceSchema) -> Self {
        let operations = schema.operations.iter().map(|operation| (operation.name, operation)).collect();
        Self { schema, router: Router::new(schema), operations }
    }

    /// The operation that the model calls `name`, whether it has a handler or not.
    pub(crate) fn operation(&self, name: &str) -> Option<&'static OperationSchema> {
        self.operations.get(name).copied()
    }
}

/// What of a request tells its service.
pub(crate) struct Hints<'a> {
    /// Service of the credential scope.
    pub scope: Option<&'a str>,
    pub authority: &'a str,
    /// Its target header; and what is looked at only when nothing above tells: the path of rpc-v2-cbor, `/service/NAME/operation/NAME`, and
    /// the `Version` of a query request.
    pub request: &'a wire::Request<'a>,
}

impl Routes {
    pub(crate) fn new(schemas: impl Iterator<Item = &'static ServiceSchema>) -> Self {
        let mut routes = Self {
            services: Vec::new(),
            by_target: FxHashMap::default(),
            by_signing_name: FxHashMap::default(),
            by_host_label: FxHashMap::default(),
        };
        for (index, schema) in schemas.enumerate() {
            routes.services.push(Routed::new(schema));
            if !schema.target_prefix.is_empty() {
                routes.by_target.insert(schema.target_prefix, index);
            }
            routes.by_signing_name.entry(schema.signing_name).or_default().push(index);
            routes.by_host_label.insert(schema.endpoint_prefix, index);
        }
        routes
    }

    /// The service called `name`, by our own name for it or its signing name.
    pub(crate) fn named(&self, name: &str) -> Option<&Routed> {
        let own = self.services.iter().find(|service| service.schema.name == name);
        own.or_else(|| self.by_signing_name.get(name)?.first().map(|index| &self.services[*index]))
    }

    /// An operation by the names that the SDKs have for it and for its service: `eventbridge`, `putEvents`.
    pub(crate) fn operation_named(
        &self,
        service: &str,
        operation: &str,
    ) -> Option<(&'static ServiceSchema, &'static OperationSchema)> {
        let is_it = |schema: &ServiceSchema| {
            let letters = schema.service_id.chars().filter(char::is_ascii_alphanumeric);
            letters.map(|letter| letter.to_ascii_lowercase()).eq(service.chars()) || schema.name == service
        };
        let routed = self.services.iter().find(|routed| is_it(routed.schema))?;
        let mut rest = operation.chars();
        let name: String = rest.next()?.to_uppercase().chain(rest).collect();
        Some((routed.schema, routed.operation(&name)?))
    }

    /// Whether the headers alone leave no doubt that a request is for a service of the region: one with a target, signed
    /// for it. Nearly all are.
    pub(crate) fn is_settled(&self, head: &Head<'_>) -> bool {
        let named = head.target_prefix().and_then(|prefix| self.by_target.get(prefix));
        named.is_some_and(|index| head.scope() == Some(self.services[*index].schema.signing_name))
    }

    /// The service of a request: by its target header, its signature's scope, its path, its host, or its version, in
    /// that order of reliability.
    pub(crate) fn find(&self, hints: &Hints<'_>) -> Option<&Routed> {
        let index = self
            .by_target(hints)
            .or_else(|| self.by_scope(hints))
            .or_else(|| self.by_cbor_path(hints.request.path))
            .or_else(|| self.by_host(hints.authority))
            .or_else(|| self.by_version(hints.request))
            .or_else(|| self.by_dated_path(hints.request));
        index.map(|index| &self.services[index])
    }

    fn by_target(&self, hints: &Hints<'_>) -> Option<usize> {
        self.by_target.get(hints.request.head.target_prefix()?).copied()
    }

    fn by_scope(&self, hints: &Hints<'_>) -> Option<usize> {
        match self.by_signing_name.get(hints.scope?)?.as_slice() {
            [only] => Some(*only),
            several => {
                let host = self.by_host(hints.authority).filter(|index| several.contains(index));
                let dated = || self.by_dated_path(hints.request).filter(|index| several.contains(index));
                host.or_else(dated).or_else(|| several.first().copied())
            }
        }
    }

    fn by_cbor_path(&self, path: &str) -> Option<usize> {
        let name = path.strip_prefix("/service/")?.split('/').next()?;
        self.by_target.get(name).copied()
    }

    /// `sqs.us-east-1.amazonaws.com`, `sqs.us-east-1.localhost.localstack.cloud`, `streams.dynamodb.localhost`.
    fn by_host(&self, authority: &str) -> Option<usize> {
        let host = authority.split(':').next().unwrap_or_default();
        let (first, rest) = host.split_once('.')?;
        let two = rest.split_once('.').map(|(second, _)| &host[..first.len() + 1 + second.len()]);
        two.and_then(|label| self.by_host_label.get(label)).or_else(|| self.by_host_label.get(first)).copied()
    }

    /// REST APIs whose paths begin with their version: `/2015-03-31/functions`, `/v20180820/accesspoint`.
    fn by_dated_path(&self, request: &wire::Request<'_>) -> Option<usize> {
        let is_dated = |path: &str| path.starts_with("/20") || path.starts_with("/v20");
        if !is_dated(request.path) {
            return None;
        }
        let Request { method, path, query, .. } = *request;
        self.services.iter().position(|service| {
            let found = service.router.find(method, path, query);
            found.is_some_and(|(operation, _)| is_dated(operation.uri))
        })
    }

    fn by_version(&self, request: &wire::Request<'_>) -> Option<usize> {
        let version = identify::query_version(request)?;
        self.services.iter().position(|service| service.schema.api_version == version)
    }
}
