//! CreateConnection, DescribeConnection, ListConnections, UpdateConnection, DeauthorizeConnection and DeleteConnection.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use events_api as api;
use events_api::op::{
    CreateConnection, DeauthorizeConnection, DeleteConnection, DescribeConnection, ListConnections,
    UpdateConnection,
};
use shapes::{ApiError, Timestamp};
use store::Range;

use super::{page_size, paged};
use crate::connection::{Authorization, Connection, Parameters, arn};
use crate::{Events, errors, tables};

fn guard(ctx: &Ctx, name: &str) -> Guard {
    let (region, account) = (ctx.region(), ctx.account());
    Guard::resource(format!("arn:aws:events:{}:{account}:connection/{name}", region.as_str()))
}

fn arn_of(ctx: &Ctx, connection: &Connection) -> String {
    arn(ctx.account(), ctx.region(), connection)
}

fn check_elsewhere(is_given: bool) -> Result<(), ApiError> {
    match is_given {
        true => Err(errors::is_not_here_yet("Private connectivity and customer keys of connections are")),
        false => Ok(()),
    }
}

impl Events {
    /// Whether the authorization is taken, as far as that shows now: endpoints for tokens are asked for one.
    async fn authorize(
        &self,
        ctx: &Ctx,
        connection: &mut Connection,
        authorization: &Authorization,
    ) -> Result<(), ApiError> {
        let failure = match connection.kind.as_str() {
            "OAUTH_CLIENT_CREDENTIALS" => self.destinations.token(ctx, connection, authorization).await.err(),
            _ => None,
        };
        connection.is_authorized = failure.is_none();
        connection.authorized = failure.is_none().then(|| ctx.now()).or(connection.authorized);
        connection.reason = failure.map(|failure| failure.message);
        connection.seal(&self.cloud, ctx, authorization).await
    }
}

impl Handle<CreateConnection> for Events {
    fn guard(&self, ctx: &Ctx, input: &api::CreateConnectionInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::CreateConnectionInput,
    ) -> Result<api::CreateConnectionOutput, ApiError> {
        let given = input.auth_parameters;
        check_elsewhere(
            input.kms_key_identifier.is_some()
                || input.invocation_connectivity_parameters.is_some()
                || given.connectivity_parameters.is_some(),
        )?;
        let mut authorization = Authorization::default();
        if let Some(basic) = given.basic_auth_parameters {
            (authorization.username, authorization.password) = (basic.username, basic.password);
        }
        if let Some(key) = given.api_key_auth_parameters {
            (authorization.key_name, authorization.key_value) = (key.api_key_name, key.api_key_value);
        }
        if let Some(oauth) = given.o_auth_parameters {
            authorization.client_id = oauth.client_parameters.client_id;
            authorization.client_secret = oauth.client_parameters.client_secret;
            authorization.token_endpoint = oauth.authorization_endpoint;
            authorization.token_method = oauth.http_method;
            authorization.token_parameters =
                oauth.o_auth_http_parameters.map(Parameters::of).unwrap_or_default();
        }
        authorization.parameters = given.invocation_http_parameters.map(Parameters::of).unwrap_or_default();
        authorization.check(&input.authorization_type)?;
        let mut connection = Connection {
            name: input.name,
            id: ctx.ids().uuid(),
            description: input.description,
            kind: input.authorization_type,
            sealed: Vec::new(),
            is_authorized: false,
            reason: None,
            created: ctx.now(),
            modified: ctx.now(),
            authorized: None,
        };
        self.authorize(ctx, &mut connection, &authorization).await?;
        let row = connection.clone();
        ctx.write(move |tx| {
            if tables::CONNECTIONS.contains(tx, &row.name)? {
                return Err(errors::resource_exists("Connection", &row.name));
            }
            tables::CONNECTIONS.put(tx, &row.name, &row);
            Ok(())
        })
        .await?;
        Ok(api::CreateConnectionOutput {
            connection_arn: Some(arn_of(ctx, &connection)),
            connection_state: Some(connection.state()),
            creation_time: Some(connection.created),
            last_modified_time: Some(connection.modified),
        })
    }
}

impl Handle<UpdateConnection> for Events {
    fn guard(&self, ctx: &Ctx, input: &api::UpdateConnectionInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::UpdateConnectionInput,
    ) -> Result<api::UpdateConnectionOutput, ApiError> {
        let given = input.auth_parameters.unwrap_or_default();
        check_elsewhere(
            input.kms_key_identifier.is_some()
                || input.invocation_connectivity_parameters.is_some()
                || given.connectivity_parameters.is_some(),
        )?;
        let mut connection = Connection::get(&mut ctx.read()?, &input.name)?;
        let mut authorization = connection.open(&self.cloud, ctx).await?;
        let replace = |old: &mut String, new: Option<String>| {
            if let Some(new) = new {
                *old = new;
            }
        };
        if let Some(basic) = given.basic_auth_parameters {
            replace(&mut authorization.username, basic.username);
            replace(&mut authorization.password, basic.password);
        }
        if let Some(key) = given.api_key_auth_parameters {
            replace(&mut authorization.key_name, key.api_key_name);
            replace(&mut authorization.key_value, key.api_key_value);
        }
        if let Some(oauth) = given.o_auth_parameters {
            let client = oauth.client_parameters.unwrap_or_default();
            replace(&mut authorization.client_id, client.client_id);
            replace(&mut authorization.client_secret, client.client_secret);
            replace(&mut authorization.token_endpoint, oauth.authorization_endpoint);
            replace(&mut authorization.token_method, oauth.http_method);
            if let Some(parameters) = oauth.o_auth_http_parameters {
                authorization.token_parameters = Parameters::of(parameters);
            }
        }
        if let Some(parameters) = given.invocation_http_parameters {
            authorization.parameters = Parameters::of(parameters);
        }
        replace(&mut connection.kind, input.authorization_type);
        authorization.check(&connection.kind)?;
        connection.description = input.description.or(connection.description);
        connection.modified = ctx.now();
        self.authorize(ctx, &mut connection, &authorization).await?;
        let row = connection.clone();
        replace_row(ctx, row).await?;
        Ok(api::UpdateConnectionOutput {
            connection_arn: Some(arn_of(ctx, &connection)),
            connection_state: Some(connection.state()),
            creation_time: Some(connection.created),
            last_modified_time: Some(connection.modified),
            last_authorized_time: connection.authorized,
        })
    }
}

/// Puts a connection in the place of itself, unless it is gone by now.
async fn replace_row(ctx: &Ctx, row: Connection) -> Result<(), ApiError> {
    ctx.write(move |tx| {
        Connection::get(tx, &row.name)?;
        tables::CONNECTIONS.put(tx, &row.name, &row);
        Ok(())
    })
    .await
}

impl Handle<DescribeConnection> for Events {
    fn guard(&self, ctx: &Ctx, input: &api::DescribeConnectionInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::DescribeConnectionInput,
    ) -> Result<api::DescribeConnectionOutput, ApiError> {
        let connection = Connection::get(&mut ctx.read()?, &input.name)?;
        let authorization = connection.open(&self.cloud, ctx).await?;
        Ok(api::DescribeConnectionOutput {
            connection_arn: Some(arn_of(ctx, &connection)),
            connection_state: Some(connection.state()),
            auth_parameters: Some(authorization.to_api(&connection.kind)),
            name: Some(connection.name),
            description: connection.description,
            state_reason: connection.reason,
            authorization_type: Some(connection.kind),
            creation_time: Some(connection.created),
            last_modified_time: Some(connection.modified),
            last_authorized_time: connection.authorized,
            ..Default::default()
        })
    }
}

impl Handle<ListConnections> for Events {
    fn guard(&self, ctx: &Ctx, _: &api::ListConnectionsInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, "*"))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::ListConnectionsInput,
    ) -> Result<api::ListConnectionsOutput, ApiError> {
        let range = input.next_token.map_or_else(Range::all, |last| Range::all().after(&last));
        let prefix = input.name_prefix.unwrap_or_default();
        let rows = tables::CONNECTIONS.list(&mut ctx.read()?, &range, usize::MAX)?;
        let wanted = rows.into_iter().map(|(_, row)| row).filter(|row| {
            row.name.starts_with(&prefix)
                && input.connection_state.as_ref().is_none_or(|state| *state == row.state())
        });
        let (page, next_token) =
            paged(wanted.collect(), page_size(input.limit), |row: &Connection| row.name.clone());
        let connections = page.into_iter().map(|row| api::Connection {
            connection_arn: Some(arn_of(ctx, &row)),
            connection_state: Some(row.state()),
            name: Some(row.name),
            state_reason: row.reason,
            authorization_type: Some(row.kind),
            creation_time: Some(row.created),
            last_modified_time: Some(row.modified),
            last_authorized_time: row.authorized,
        });
        Ok(api::ListConnectionsOutput { connections: Some(connections.collect()), next_token })
    }
}

impl Handle<DeauthorizeConnection> for Events {
    fn guard(&self, ctx: &Ctx, input: &api::DeauthorizeConnectionInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name))
    }

    /// Its secrets are gone: API Reference, DeauthorizeConnection.
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::DeauthorizeConnectionInput,
    ) -> Result<api::DeauthorizeConnectionOutput, ApiError> {
        let mut connection = Connection::get(&mut ctx.read()?, &input.name)?;
        let mut authorization = connection.open(&self.cloud, ctx).await?;
        for secret in
            [&mut authorization.password, &mut authorization.key_value, &mut authorization.client_secret]
        {
            secret.clear();
        }
        connection.modified = ctx.now();
        connection.is_authorized = false;
        connection.seal(&self.cloud, ctx, &authorization).await?;
        replace_row(ctx, connection.clone()).await?;
        let (state, created, modified, authorized) = times(&connection);
        Ok(api::DeauthorizeConnectionOutput {
            connection_arn: Some(arn_of(ctx, &connection)),
            connection_state: Some(state),
            creation_time: Some(created),
            last_modified_time: Some(modified),
            last_authorized_time: authorized,
        })
    }
}

fn times(connection: &Connection) -> (String, Timestamp, Timestamp, Option<Timestamp>) {
    (connection.state(), connection.created, connection.modified, connection.authorized)
}

impl Handle<DeleteConnection> for Events {
    fn guard(&self, ctx: &Ctx, input: &api::DeleteConnectionInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::DeleteConnectionInput,
    ) -> Result<api::DeleteConnectionOutput, ApiError> {
        let connection = ctx
            .write(move |tx| {
                let connection = Connection::get(tx, &input.name)?;
                tables::CONNECTIONS.delete(tx, &input.name);
                Ok::<_, ApiError>(connection)
            })
            .await?;
        let (_, created, modified, authorized) = times(&connection);
        Ok(api::DeleteConnectionOutput {
            connection_arn: Some(arn_of(ctx, &connection)),
            connection_state: Some("DELETING".to_owned()),
            creation_time: Some(created),
            last_modified_time: Some(modified),
            last_authorized_time: authorized,
        })
    }
}
