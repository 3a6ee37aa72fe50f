//! The same batching for every bare library: a thread commits whatever arrived while it was busy.

use std::pin::Pin;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::sync::{mpsc, oneshot};

use crate::Result;
use crate::contenders::Contender;

const MAX_BATCH: usize = 4096;

pub(crate) trait Library: Send + Sync + 'static {
    fn commit(&self, pairs: &mut dyn Iterator<Item = (Vec<u8>, Vec<u8>)>) -> Result<()>;
    fn get(&self, key: &[u8]) -> Result<Option<usize>>;
    fn scan(&self, from: &[u8], limit: usize) -> Result<usize>;
}

struct Put {
    key: Vec<u8>,
    value: Vec<u8>,
    done: oneshot::Sender<bool>,
}

pub(crate) struct Batching<L> {
    library: Arc<L>,
    puts: Option<mpsc::Sender<Put>>,
    thread: Option<JoinHandle<()>>,
}

impl<L: Library> Batching<L> {
    pub(crate) fn new(library: L) -> Self {
        let library = Arc::new(library);
        let (puts, mut incoming) = mpsc::channel::<Put>(2 * MAX_BATCH);
        let target = Arc::clone(&library);
        let thread = thread::spawn(move || {
            let mut batch = Vec::new();
            while incoming.blocking_recv_many(&mut batch, MAX_BATCH) > 0 {
                let mut waiting = Vec::with_capacity(batch.len());
                let mut pairs = batch.drain(..).map(|put| {
                    waiting.push(put.done);
                    (put.key, put.value)
                });
                let outcome = target.commit(&mut pairs);
                drop(pairs);
                for done in waiting {
                    let _ = done.send(outcome.is_ok());
                }
            }
        });
        Self { library, puts: Some(puts), thread: Some(thread) }
    }
}

impl<L: Library> Contender for Batching<L> {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> Pin<Box<dyn Future<Output = Result<()>> + Send + '_>> {
        Box::pin(async move {
            let (done, outcome) = oneshot::channel();
            let puts = self.puts.as_ref().ok_or("closed")?;
            puts.send(Put { key, value, done }).await.map_err(|_| "closed")?;
            if outcome.await? { Ok(()) } else { Err("the commit failed".into()) }
        })
    }

    fn load(&self, pairs: Vec<(Vec<u8>, Vec<u8>)>) -> Result<()> {
        self.library.commit(&mut pairs.into_iter())
    }

    fn get(&self, key: &[u8]) -> Result<Option<usize>> {
        self.library.get(key)
    }

    fn scan(&self, from: &[u8], limit: usize) -> Result<usize> {
        self.library.scan(from, limit)
    }
}

impl<L> Drop for Batching<L> {
    fn drop(&mut self) {
        self.puts = None;
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            eprintln!("the writer panicked");
        }
    }
}
