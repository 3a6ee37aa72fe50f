//! AWS managed keys: those that services make for an account when they first need one, under `alias/aws/SERVICE`.

use identity::{AccountId, Region};
use ring::digest::{SHA256, digest};
use serde_json::json;
use shapes::Timestamp;

use crate::key::{Key, Manager};
use crate::spec::{KeySpec, KeyUsage, Origin};

/// Services with a managed key: as in the alias, as in `kms:ViaService`, and how the key's description calls them.
const SERVICES: &[(&str, &str, &str)] = &[
    ("acm", "acm", "ACM private keys"),
    ("backup", "backup", "Backup vaults"),
    ("dynamodb", "dynamodb", "DynamoDB data"),
    ("ebs", "ec2", "EBS volumes"),
    ("elasticfilesystem", "elasticfilesystem", "EFS filesystems"),
    ("es", "es", "Elasticsearch domains"),
    ("glue", "glue", "Glue data"),
    ("kinesis", "kinesis", "Kinesis data"),
    ("lambda", "lambda", "Lambda functions"),
    ("rds", "rds", "RDS database volumes"),
    ("redshift", "redshift", "Redshift clusters"),
    ("s3", "s3", "S3 objects"),
    ("secretsmanager", "secretsmanager", "Secrets Manager data"),
    ("sns", "sns", "SNS messages"),
    ("sqs", "sqs", "SQS messages"),
    ("ssm", "ssm", "SSM parameters"),
];

/// The key that `alias` stands for, as it will be once it is used; `None` when no service has such a key.
pub(crate) fn key(account: AccountId, region: Region, alias: &str, now: Timestamp) -> Option<Key> {
    let service = alias.strip_prefix("alias/aws/")?;
    let (_, via, what) = SERVICES.iter().find(|(name, ..)| *name == service)?;
    Some(Key {
        id: id(account, region, service),
        created: now,
        description: format!("Default key that protects my {what} when no other key is defined"),
        spec: KeySpec::Symmetric,
        usage: KeyUsage::EncryptDecrypt,
        origin: Origin::Kms,
        manager: Manager::Aws(service.to_owned()),
        is_enabled: true,
        deletion: None,
        policy: policy(account, region, service, via, what),
        tags: Default::default(),
        aliases: vec![alias.to_owned()],
        material: None,
        rotation: None,
        rotations_on_demand: 0,
        expires: None,
        multi_region: None,
    })
}

/// The key's id follows from its place, so that policies can speak of the key before it is made.
fn id(account: AccountId, region: Region, service: &str) -> String {
    let text = format!("aws managed key {account} {region} {service}");
    let digest = digest(&SHA256, text.as_bytes());
    let hex: String = digest.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), &format!("4{}", part(13, 16)), &format!("8{}", part(17, 20)), part(20, 32)]
        .join("-")
}

/// As AWS's own: whoever may use the service may use the key through it.
fn policy(account: AccountId, region: Region, service: &str, via: &str, what: &str) -> String {
    let name = what.split(' ').next().unwrap_or(what);
    let policy = json!({
        "Version": "2012-10-17",
        "Id": format!("auto-{service}-1"),
        "Statement": [
            {
                "Sid": format!(
                    "Allow access through {name} for all principals in the account that are authorized to use {name}"
                ),
                "Effect": "Allow",
                "Principal": { "AWS": "*" },
                "Action": [
                    "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant",
                    "kms:DescribeKey",
                ],
                "Resource": "*",
                "Condition": { "StringEquals": {
                    "kms:CallerAccount": account.to_string(),
                    "kms:ViaService": format!("{via}.{region}.amazonaws.com"),
                } },
            },
            {
                "Sid": "Allow direct access to key metadata to the account",
                "Effect": "Allow",
                "Principal": { "AWS": account.root_arn() },
                "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
                "Resource": "*",
            },
        ],
    });
    format!("{policy:#}")
}
