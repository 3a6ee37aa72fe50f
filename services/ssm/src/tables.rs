//! Everything Systems Manager stores.

use store::Table;

use crate::parameter::{Parameter, Version};

/// Parameters by name.
pub(crate) const PARAMETERS: Table<String, Parameter> = Table::new("ssm/parameter");

/// Versions by the parameter's name and their number.
pub(crate) const VERSIONS: Table<(String, u64), Version> = Table::new("ssm/parameter-version");
