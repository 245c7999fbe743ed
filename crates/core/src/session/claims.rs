//! The claims that a session carries from token to token: the members of a JSON object, without braces.

use super::access_token::{RESERVED, carried_claims};
use crate::{
    encoding::json::{Value, scan_object, strings_of, write_string},
    error::{Code, Error},
};

/// Which of the carried claims are replaced; `None` leaves that part as it is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ClaimChanges {
    /// `roles`.
    pub roles: Option<Vec<String>>,
    /// `permissions`.
    pub permissions: Option<Vec<String>>,
    /// The application's own claims, all of them: the text of a JSON object.
    pub own: Option<String>,
}

/// What a session carries, part by part.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct CarriedClaims {
    /// `roles`, if there are any.
    roles: Option<Vec<String>>,
    /// `permissions`, if there are any.
    permissions: Option<Vec<String>>,
    /// The application's own: the text of a JSON object.
    own: String,
}

impl CarriedClaims {
    /// Reads what a record holds. [`Code::StoreCorrupt`] if it is nothing that a record of ours holds.
    fn read(carried: &str) -> Result<Self, Error> {
        let mut claims = Self::default();
        let mut own = String::new();
        let mut is_whole = true;
        let text = format!("{{{carried}}}");
        scan_object(&text, |name, value| {
            let names =
                |list| strings_of(list).map(|names| names.iter().map(|name| name.decode().into_owned()).collect());
            match (name.decode().as_ref(), value) {
                ("roles", Value::Array(list)) => claims.roles = names(list),
                ("permissions", Value::Array(list)) => claims.permissions = names(list),
                ("roles" | "permissions", _) => is_whole = false,
                // In a record there are none.
                (name, _) if RESERVED.contains(&name) => {}
                (name, value) => {
                    if !own.is_empty() {
                        own.push(',');
                    }
                    write_string(name, &mut own);
                    own.push(':');
                    write_value(value, &mut own);
                }
            }
        })
        .map_err(|_| DAMAGED)?;
        claims.own = format!("{{{own}}}");
        if is_whole { Ok(claims) } else { Err(DAMAGED) }
    }
}

const DAMAGED: Error = Error::because(Code::StoreCorrupt, "the claims of a session cannot be read");

/// What a record holds after a change of some of its claims; checked as at sign-in.
pub fn changed_claims(carried: &str, changes: &ClaimChanges) -> Result<String, Error> {
    if *changes == ClaimChanges::default() {
        return Ok(carried.to_owned());
    }
    let before = CarriedClaims::read(carried)?;
    carried_claims(
        changes.roles.as_deref().or(before.roles.as_deref()),
        changes.permissions.as_deref().or(before.permissions.as_deref()),
        Some(changes.own.as_deref().unwrap_or(&before.own)),
    )
}

/// What a record would hold, out of the JSON text of a token's claims.
pub(super) fn carried_of(payload: &str) -> Result<String, Error> {
    let inside = payload.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let all = CarriedClaims::read(inside.ok_or(DAMAGED)?)?;
    carried_claims(all.roles.as_deref(), all.permissions.as_deref(), Some(&all.own))
}

fn write_value(value: Value<'_>, out: &mut String) {
    match value {
        Value::Array(text) | Value::Number(text) | Value::Object(text) => out.push_str(text),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Null => out.push_str("null"),
        Value::String(text) => write_string(&text.decode(), out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn each_part_is_replaced_by_itself_and_the_rest_stays_to_the_letter() {
        let own = r#"{"tenant":"a\"b","n":1.50,"deep":{"x":[1,null,true]},"no":false}"#;
        let carried = carried_claims(Some(&["user".into()]), Some(&["a:b".into()]), Some(own)).unwrap();
        let read = CarriedClaims::read(&carried).unwrap();
        assert_eq!((read.roles, read.own.as_str()), (Some(names(&["user"])), own));
        let changed = |changes: ClaimChanges| changed_claims(&carried, &changes).unwrap();
        assert_eq!(changed(ClaimChanges::default()), carried);
        let roles = changed(ClaimChanges {
            roles: Some(names(&["admin"])),
            ..ClaimChanges::default()
        });
        assert_eq!(roles, carried.replace("user", "admin"));
        let none = changed(ClaimChanges {
            roles: Some(names(&[])),
            permissions: Some(names(&[])),
            own: Some("{}".into()),
        });
        assert_eq!(none, r#""roles":[],"permissions":[]"#);
    }

    #[test]
    fn nothing_carried_stays_absent() {
        assert_eq!(CarriedClaims::read("").unwrap().own, "{}");
        let changes = ClaimChanges {
            permissions: Some(names(&["x"])),
            ..ClaimChanges::default()
        };
        assert_eq!(changed_claims("", &changes).unwrap(), r#""permissions":["x"]"#);
    }

    #[test]
    fn what_a_sign_in_could_not_set_a_change_cannot_either() {
        for own in [r#"{"sub":"eve"}"#, "[]", "{"] {
            let changes = ClaimChanges {
                own: Some(own.into()),
                ..ClaimChanges::default()
            };
            assert_eq!(changed_claims("", &changes).unwrap_err().code(), Code::ClaimsInvalid);
        }
        assert_eq!(
            CarriedClaims::read("\"roles\":1").unwrap_err().code(),
            Code::StoreCorrupt
        );
    }
}
