//! `brume env`

use clap::Args;

use super::ask::Endpoint;
use crate::failure::Failure;

#[derive(Args)]
pub(crate) struct Env {
    #[command(flatten)]
    endpoint: Endpoint,
    /// The region that clients name.
    #[arg(long, default_value = "us-east-1")]
    region: String,
}

impl Env {
    pub(crate) fn run(self) -> Result<(), Failure> {
        println!("export AWS_ENDPOINT_URL={}", self.endpoint.endpoint);
        println!("export AWS_REGION={0} AWS_DEFAULT_REGION={0}", self.region);
        println!("export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test");
        // Version 1 of the AWS CLI passes AWS_ENDPOINT_URL over for some services in AWS's older regions.
        println!(r#"aws() {{ command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }}"#);
        Ok(())
    }
}
