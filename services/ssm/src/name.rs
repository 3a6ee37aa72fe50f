//! Names of parameters, and the selectors behind them: `/app/db:3`, `/app/db:live`.

use cloud::{Ctx, Guard};
use identity::arn;
use shapes::ApiError;

use crate::errors;
use crate::tables::PARAMETERS;

/// User Guide, "Requirements and constraints for parameter names".
const MOST_LEVELS: usize = 15;
const LONGEST: usize = 1011;

/// A parameter as a request names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub name: String,
    /// A version's number or label.
    pub selector: Option<String>,
}

impl Named {
    /// Reads a name or an ARN of this account, with a selector or without.
    pub(crate) fn parse(ctx: &Ctx, text: &str) -> Result<Self, ApiError> {
        let text = match arn::split(text) {
            None => text.to_owned(),
            Some(parts) => {
                let is_ours = parts.service == "ssm"
                    && parts.region == ctx.region().as_str()
                    && parts.account_id() == Some(ctx.account());
                let path = parts.resource.strip_prefix("parameter").filter(|_| is_ours);
                let path = path.ok_or_else(|| errors::not_found(text))?;
                // `/a` and `a` have one ARN; in hierarchies the slash is always there.
                let bare = path.strip_prefix('/').unwrap_or(path);
                let name = bare.split(':').next().unwrap_or(bare).to_owned();
                let is_bare = !bare.contains('/') && PARAMETERS.contains(&mut ctx.read()?, &name)?;
                if is_bare { bare.to_owned() } else { path.to_owned() }
            }
        };
        Ok(match text.split_once(':') {
            Some((name, selector)) => Self { name: name.to_owned(), selector: Some(selector.to_owned()) },
            None => Self { name: text, selector: None },
        })
    }

    /// As the answer tells it.
    pub(crate) fn told(&self) -> Option<String> {
        self.selector.as_ref().map(|selector| format!(":{selector}"))
    }
}

/// Checks the name of a parameter to be made.
pub(crate) fn check(name: &str) -> Result<(), ApiError> {
    let bare = name.strip_prefix('/').unwrap_or(name);
    let lower = bare.to_ascii_lowercase();
    for reserved in ["aws", "ssm"] {
        if lower.starts_with(reserved) {
            return Err(errors::validation(format!("No access to reserved parameter name: {name}.")));
        }
    }
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-/".contains(&byte);
    let is_named = !bare.is_empty() && !name.ends_with('/') && !name.contains("//");
    if !is_named || name.len() > LONGEST || !name.bytes().all(is_allowed) {
        return Err(errors::validation(
            "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it can consist of \
             sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the \
             following 3 symbols .-_",
        ));
    }
    if name.contains('/') && !name.starts_with('/') {
        return Err(errors::validation(
            "Parameter name must be a fully qualified name: it has to begin with a slash if it has any.",
        ));
    }
    if bare.split('/').count() > MOST_LEVELS { Err(errors::too_deep()) } else { Ok(()) }
}

/// `arn:aws:ssm:REGION:ACCOUNT:parameter/NAME`, whether or not the name begins with a slash.
pub(crate) fn arn_of(ctx: &Ctx, name: &str) -> String {
    let (region, account) = (ctx.region(), ctx.account());
    let slash = if name.starts_with('/') { "" } else { "/" };
    format!("arn:aws:ssm:{region}:{account}:parameter{slash}{name}")
}

/// The guard of an operation on parameters, which must all be allowed.
pub(crate) fn guard<'a>(ctx: &Ctx, names: impl Iterator<Item = &'a String>) -> Result<Guard, ApiError> {
    let mut guard = Guard::any();
    for name in names {
        let named = Named::parse(ctx, name).map_or_else(|_| name.clone(), |named| named.name);
        guard.resources.push(arn_of(ctx, &named));
    }
    Ok(guard)
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn names_have_rules() {
        for good in ["a", "/a/b", "/a.b-c_d/E1", &"/a".repeat(15)] {
            assert!(check(good).is_ok(), "{good}");
        }
        for wrong in
            ["", "/", "a/b", "/a/", "/a//b", "aws", "/AWS/x", "ssmthing", "ä", "a b", "a:1", &"/a".repeat(16)]
        {
            assert!(check(wrong).is_err(), "{wrong}");
        }
    }
}
