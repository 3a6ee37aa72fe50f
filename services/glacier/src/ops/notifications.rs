//! SetVaultNotifications, GetVaultNotifications, DeleteVaultNotifications.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use glacier_api::op::{DeleteVaultNotifications, GetVaultNotifications, SetVaultNotifications};
use glacier_api::{
    DeleteVaultNotificationsInput, DeleteVaultNotificationsOutput, GetVaultNotificationsInput,
    GetVaultNotificationsOutput, SetVaultNotificationsInput, SetVaultNotificationsOutput,
    VaultNotificationConfig,
};
use shapes::ApiError;

use crate::notification::Notifications;
use crate::place::Place;
use crate::{Glacier, errors, vault};

impl Handle<SetVaultNotifications> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &SetVaultNotificationsInput) -> Result<Guard, ApiError> {
        self.vault_guard(ctx, &input.account_id, &input.vault_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: SetVaultNotificationsInput,
    ) -> Result<SetVaultNotificationsOutput, ApiError> {
        let place = Place::of(ctx, &input.account_id, &input.vault_name)?;
        let config = input.vault_notification_config.unwrap_or_default();
        let notifications = Notifications::parse(config.sns_topic, config.events)?;
        self.change(place, move |vault| {
            vault.notifications = Some(notifications.clone());
            Ok(())
        })
        .await?;
        Ok(SetVaultNotificationsOutput {})
    }
}

impl Handle<GetVaultNotifications> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &GetVaultNotificationsInput) -> Result<Guard, ApiError> {
        self.vault_guard(ctx, &input.account_id, &input.vault_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetVaultNotificationsInput,
    ) -> Result<GetVaultNotificationsOutput, ApiError> {
        let place = Place::of(ctx, &input.account_id, &input.vault_name)?;
        let found = vault::find(&mut ctx.store().read(&place.scope())?, &place)?.notifications;
        let Some(Notifications { topic, events }) = found else {
            let message = format!("No notification configuration is set for vault: {}", place.arn());
            return Err(errors::not_found(message));
        };
        let config = VaultNotificationConfig { sns_topic: Some(topic), events: Some(events) };
        Ok(GetVaultNotificationsOutput { vault_notification_config: Some(config) })
    }
}

impl Handle<DeleteVaultNotifications> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &DeleteVaultNotificationsInput) -> Result<Guard, ApiError> {
        self.vault_guard(ctx, &input.account_id, &input.vault_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DeleteVaultNotificationsInput,
    ) -> Result<DeleteVaultNotificationsOutput, ApiError> {
        let place = Place::of(ctx, &input.account_id, &input.vault_name)?;
        self.change(place, |vault| {
            vault.notifications = None;
            Ok(())
        })
        .await?;
        Ok(DeleteVaultNotificationsOutput {})
    }
}
