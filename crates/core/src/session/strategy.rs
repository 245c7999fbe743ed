//! How sessions are kept alive.

/// What is exchanged for the next access token, and what is remembered of it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Strategy {
    /// A refresh token that works once; the store knows the live one.
    #[default]
    Rotation,
    /// The access token itself, once it has expired; the store knows the live `jti`.
    JtiExchange,
    /// The access token itself, near its end; nothing is remembered.
    Renewal,
}

impl Strategy {
    /// The strategy of that name.
    pub fn from_text(text: &str) -> Option<Self> {
        match text {
            "rotation" => Some(Self::Rotation),
            "jti-exchange" => Some(Self::JtiExchange),
            "renewal" => Some(Self::Renewal),
            _ => None,
        }
    }
}
