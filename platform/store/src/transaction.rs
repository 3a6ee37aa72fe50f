//! Reading a snapshot, writing a transaction.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use kv::{Engine, KeyRange, Order, Verdict};

use crate::{Scope, StoreError};

/// The region's state. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    engine: Arc<dyn Engine>,
}

/// Anything that tables can be read from: a snapshot or a transaction.
pub trait Reader {
    fn scope(&self) -> &Scope;
    fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, StoreError>;
    fn scan(
        &mut self,
        range: KeyRange<'_>,
        order: Order,
        visit: &mut kv::Visit<'_>,
    ) -> Result<(), StoreError>;
}

/// A transaction under way: sees its own writes, and nobody else sees them before they are durable.
pub struct Tx<'a> {
    inner: &'a mut dyn kv::Transaction,
    scope: Scope,
}

/// A consistent view of what is durable.
pub struct Snapshot<'a> {
    inner: Box<dyn kv::Snapshot + 'a>,
    scope: Scope,
}

impl Store {
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine }
    }

    /// Runs `work` as one serialisable transaction and returns its result once the writes are durable. An error of
    /// `work` undoes it whole.
    ///
    /// An engine shared by several processes runs `work` again when it met a conflict, so it must have no effects
    /// but those on the transaction.
    pub async fn write<T, E>(
        &self,
        scope: &Scope,
        mut work: impl FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let outcome: Arc<Mutex<Option<Result<T, E>>>> = Arc::default();
        let shared = Arc::clone(&outcome);
        let scope = scope.clone();
        let committed = self
            .engine
            .transact(Box::new(move |inner| {
                let result = work(&mut Tx { inner, scope: scope.clone() });
                let verdict = if result.is_ok() { Verdict::Commit } else { Verdict::Abort };
                *shared.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
                verdict
            }))
            .await;
        let result = outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (committed, result) {
            (Ok(()), Some(result)) | (Err(_), Some(result @ Err(_))) => result,
            (Err(error), _) => Err(StoreError::Engine(error).into()),
            (Ok(()), None) => Err(StoreError::Engine(kv::KvError::Closed).into()),
        }
    }

    /// A consistent view of what is durable now.
    pub fn read(&self, scope: &Scope) -> Result<Snapshot<'_>, StoreError> {
        Ok(Snapshot { inner: self.engine.snapshot()?, scope: scope.clone() })
    }

    /// Wakes when a committed transaction announces `topic`, on whichever node it ran.
    pub fn watch(&self, scope: &Scope, topic: &str) -> kv::Watch {
        self.engine.watch(&topic_bytes(scope, topic))
    }

    pub fn stats(&self) -> kv::Stats {
        self.engine.stats()
    }

    /// Makes everything durable and stops the engine's threads.
    pub async fn close(&self) -> Result<(), StoreError> {
        Ok(self.engine.close().await?)
    }
}

impl Tx<'_> {
    /// Announces `topic` once this transaction is durable: wakes [`Store::watch`].
    pub fn announce(&mut self, topic: &str) {
        let topic = topic_bytes(&self.scope, topic);
        self.inner.announce(&topic);
    }

    /// Runs `hook` once this transaction is durable and every reader sees it, before its caller is told: how a cache
    /// in memory follows the state exactly. Never when the transaction was undone. It must be brief and not wait.
    pub fn after_commit(&mut self, hook: impl FnOnce() + Send + 'static) {
        self.inner.after_commit(Box::new(hook));
    }

    /// The same transaction, on the state of another tenant.
    pub fn with_scope<T>(&mut self, scope: &Scope, work: impl FnOnce(&mut Tx<'_>) -> T) -> T {
        work(&mut Tx { inner: &mut *self.inner, scope: scope.clone() })
    }

    pub(crate) fn put_raw(&mut self, key: &[u8], value: &[u8]) {
        self.inner.put(key, value);
    }

    pub(crate) fn delete_raw(&mut self, key: &[u8]) {
        self.inner.delete(key);
    }
}

impl Snapshot<'_> {
    /// The same view, of another tenant's state.
    pub fn set_scope(&mut self, scope: &Scope) {
        self.scope = scope.clone();
    }
}

impl Reader for Tx<'_> {
    fn scope(&self) -> &Scope {
        &self.scope
    }
    fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        Ok(self.inner.get(key)?)
    }
    fn scan(
        &mut self,
        range: KeyRange<'_>,
        order: Order,
        visit: &mut kv::Visit<'_>,
    ) -> Result<(), StoreError> {
        Ok(self.inner.scan(range, order, visit)?)
    }
}

impl Reader for Snapshot<'_> {
    fn scope(&self) -> &Scope {
        &self.scope
    }
    fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        Ok(self.inner.get(key)?)
    }
    fn scan(
        &mut self,
        range: KeyRange<'_>,
        order: Order,
        visit: &mut kv::Visit<'_>,
    ) -> Result<(), StoreError> {
        Ok(self.inner.scan(range, order, visit)?)
    }
}

fn topic_bytes(scope: &Scope, topic: &str) -> Vec<u8> {
    [scope.as_bytes(), topic.as_bytes()].concat()
}
