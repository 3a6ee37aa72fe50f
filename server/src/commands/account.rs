//! `brume account add`

use clap::{Args, Subcommand};
use serde_json::json;

use super::ask::Endpoint;
use super::show::plain;
use crate::failure::Failure;

#[derive(Args)]
pub(crate) struct Account {
    #[command(flatten)]
    endpoint: Endpoint,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Declare an account and print the access key of its root, which is shown this once.
    Add {
        /// Twelve digits.
        account: String,
    },
}

impl Account {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let Action::Add { account } = self.action;
        let key = self.endpoint.post("/api/accounts", &json!({ "account": account }))?;
        println!("export AWS_ACCESS_KEY_ID={}", plain(&key["access_key_id"]));
        println!("export AWS_SECRET_ACCESS_KEY={}", plain(&key["secret_access_key"]));
        Ok(())
    }
}
