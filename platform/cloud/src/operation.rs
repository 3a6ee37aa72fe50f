//! What a service does for an operation, and the table that names it.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use shapes::{ApiError, Op, OperationSchema, ServiceSchema, Struct};
use store::Tx;

use crate::{Ctx, Guard, HttpFront};

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The handler of an operation. The caller is authenticated and authorised, and the input decoded and checked
/// against the model, before it gets here.
pub trait Handle<O: Op>: Send + Sync + 'static {
    /// What the caller must be allowed to do. The default asks for the operation's own action on `*`.
    fn guard(&self, _ctx: &Ctx, _input: &O::Input) -> Result<Guard, ApiError> {
        Ok(Guard::any())
    }

    fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: O::Input,
    ) -> impl Future<Output = Result<O::Output, ApiError>> + Send;
}

/// The handler of an operation that is one transaction. A service that calls it can make it part of a transaction
/// of its own (see [`Ctx::call_within`]), so that both wait for one commit.
pub trait Transact<O: Op>: Send + Sync + 'static {
    /// The input past its checks.
    type Draft: Send + 'static;

    /// As [`Handle::guard`].
    fn guard(&self, _ctx: &Ctx, _input: &O::Input) -> Result<Guard, ApiError> {
        Ok(Guard::any())
    }

    /// Parses. Runs outside the transaction, so what is slow and needs no state belongs here.
    fn prepare(&self, ctx: &Ctx, input: O::Input) -> Result<Self::Draft, ApiError>;

    /// Decides and stores. May run more than once.
    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, draft: &Self::Draft) -> Result<O::Output, ApiError>;
}

/// One line of a service's operation table, types erased.
pub struct Operation<S: 'static> {
    pub schema: &'static OperationSchema,
    new_input: fn() -> Box<dyn Struct>,
    guard: fn(&S, &Ctx, &dyn Struct) -> Result<Guard, ApiError>,
    call: for<'a> fn(&'a Arc<S>, &'a Ctx, Box<dyn Struct>) -> BoxFuture<'a, Outcome>,
    within: Option<fn(&S, &Ctx, &mut Tx<'_>, Box<dyn Struct>) -> Outcome>,
}

pub(crate) type Outcome = Result<Box<dyn Struct>, ApiError>;

impl<S: Send + Sync + 'static> Operation<S> {
    /// An operation handled by [`Handle`].
    pub const fn of<O: Op>() -> Self
    where
        S: Handle<O>,
    {
        Self {
            schema: O::SCHEMA,
            new_input: new_input::<O>,
            guard: |service, ctx, input| <S as Handle<O>>::guard(service, ctx, expected::<O>(input)?),
            call: |service, ctx, input| {
                Box::pin(async move {
                    let input = owned::<O>(input)?;
                    let output = service.handle(ctx, input).await?;
                    Ok(Box::new(output) as Box<dyn Struct>)
                })
            },
            within: None,
        }
    }

    /// An operation handled by [`Transact`]: on its own it is a transaction of its own.
    pub const fn transaction<O: Op>() -> Self
    where
        S: Transact<O>,
    {
        Self {
            schema: O::SCHEMA,
            new_input: new_input::<O>,
            guard: |service, ctx, input| <S as Transact<O>>::guard(service, ctx, expected::<O>(input)?),
            call: |service, ctx, input| {
                Box::pin(async move {
                    let draft = service.prepare(ctx, owned::<O>(input)?)?;
                    let (service, own) = (Arc::clone(service), ctx.clone());
                    let output = ctx
                        .store()
                        .write(ctx.scope(), move |tx| <S as Transact<O>>::apply(&service, &own, tx, &draft))
                        .await?;
                    Ok(Box::new(output) as Box<dyn Struct>)
                })
            },
            within: Some(|service, ctx, tx, input| {
                let draft = <S as Transact<O>>::prepare(service, ctx, owned::<O>(input)?)?;
                let output =
                    tx.with_scope(ctx.scope(), |tx| <S as Transact<O>>::apply(service, ctx, tx, &draft))?;
                Ok(Box::new(output) as Box<dyn Struct>)
            }),
        }
    }
}

fn new_input<O: Op>() -> Box<dyn Struct> {
    Box::new(O::Input::default())
}

fn expected<O: Op>(input: &dyn Struct) -> Result<&O::Input, ApiError> {
    (input as &dyn Any).downcast_ref().ok_or_else(|| wrong_type(O::name()))
}

fn owned<O: Op>(input: Box<dyn Struct>) -> Result<O::Input, ApiError> {
    let input: Box<dyn Any> = input;
    input.downcast().map(|input| *input).map_err(|_| wrong_type(O::name()))
}

pub(crate) fn wrong_type(operation: &str) -> ApiError {
    ApiError::internal(format!("a value of another type was passed for {operation}"))
}

/// A service with its operations, ready to be called.
pub struct Service {
    pub schema: &'static ServiceSchema,
    /// The service checks its input in its own words, instead of the model's constraints in the usual ones.
    pub words_own_checks: bool,
    /// The member that takes the request's path when the request leaves it out: SQS's clients post to a queue's URL.
    pub path_member: Option<&'static str>,
    /// What its HTTP has beyond its model.
    pub front: Option<Arc<dyn HttpFront>>,
    /// Bodies of its uploads go to the handlers in pieces, as they come.
    pub takes_pieces: bool,
    pub(crate) target: Box<dyn Target>,
}

impl Service {
    pub fn new<S: Send + Sync + 'static>(
        schema: &'static ServiceSchema,
        service: Arc<S>,
        operations: &'static [Operation<S>],
    ) -> Self {
        Self {
            schema,
            words_own_checks: false,
            path_member: None,
            front: None,
            takes_pieces: false,
            target: Box::new(Bound { service, operations }),
        }
    }

    /// See [`Self::words_own_checks`].
    #[must_use]
    pub fn wording_its_own_checks(self) -> Self {
        Self { words_own_checks: true, ..self }
    }

    /// See [`Self::front`].
    #[must_use]
    pub fn with_front(self, front: Arc<dyn HttpFront>) -> Self {
        Self { front: Some(front), ..self }
    }

    /// See [`Self::takes_pieces`].
    #[must_use]
    pub fn taking_pieces(self) -> Self {
        Self { takes_pieces: true, ..self }
    }

    /// See [`Self::path_member`].
    #[must_use]
    pub fn taking_path_as(self, member: &'static str) -> Self {
        Self { path_member: Some(member), ..self }
    }
}

/// A service behind its type. Operations are named by their index in the table.
pub(crate) trait Target: Send + Sync {
    fn operations(&self) -> Vec<&'static OperationSchema>;
    fn new_input(&self, index: usize) -> Box<dyn Struct>;
    fn guard(&self, index: usize, ctx: &Ctx, input: &dyn Struct) -> Result<Guard, ApiError>;
    fn call<'a>(&'a self, index: usize, ctx: &'a Ctx, input: Box<dyn Struct>) -> BoxFuture<'a, Outcome>;
    /// `None` when the operation is more than a transaction.
    fn within(&self, index: usize, ctx: &Ctx, tx: &mut Tx<'_>, input: Box<dyn Struct>) -> Option<Outcome>;
}

struct Bound<S: 'static> {
    service: Arc<S>,
    operations: &'static [Operation<S>],
}

impl<S: Send + Sync + 'static> Target for Bound<S> {
    fn operations(&self) -> Vec<&'static OperationSchema> {
        self.operations.iter().map(|operation| operation.schema).collect()
    }
    fn new_input(&self, index: usize) -> Box<dyn Struct> {
        (self.operations[index].new_input)()
    }
    fn guard(&self, index: usize, ctx: &Ctx, input: &dyn Struct) -> Result<Guard, ApiError> {
        (self.operations[index].guard)(&self.service, ctx, input)
    }
    fn call<'a>(&'a self, index: usize, ctx: &'a Ctx, input: Box<dyn Struct>) -> BoxFuture<'a, Outcome> {
        (self.operations[index].call)(&self.service, ctx, input)
    }
    fn within(&self, index: usize, ctx: &Ctx, tx: &mut Tx<'_>, input: Box<dyn Struct>) -> Option<Outcome> {
        let within = self.operations[index].within?;
        Some(within(&self.service, ctx, tx, input))
    }
}
