//! Everything Lambda stores.

use store::Table;

use crate::function::{Alias, Function, Version};
use crate::policy::ResourcePolicy;

/// Functions by name.
pub(crate) const FUNCTIONS: Table<String, Function> = Table::new("lambda/function");

/// Published versions by the function's name and their number.
pub(crate) const VERSIONS: Table<(String, u64), Version> = Table::new("lambda/version");

/// Aliases by the function's name and their own.
pub(crate) const ALIASES: Table<(String, String), Alias> = Table::new("lambda/alias");

/// Resource policies by the function's name and a qualifier, which is empty for the function itself.
pub(crate) const POLICIES: Table<(String, String), ResourcePolicy> = Table::new("lambda/policy");
