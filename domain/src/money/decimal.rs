//! Amounts as exact decimal text in JSON: `"0.04112"`. For `#[serde(with = …)]`.

use serde::de::Error as _;
use serde::{Deserialize as _, Deserializer, Serializer};

use super::NanoUsd;

pub fn serialize<S: Serializer>(amount: &NanoUsd, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&amount.to_decimal())
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NanoUsd, D::Error> {
    NanoUsd::parse_decimal(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// The same where there may be none: `null`.
pub mod option {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::NanoUsd;

    pub fn serialize<S: Serializer>(amount: &Option<NanoUsd>, serializer: S) -> Result<S::Ok, S::Error> {
        amount.map(NanoUsd::to_decimal).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NanoUsd>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| NanoUsd::parse_decimal(&text).map_err(D::Error::custom)).transpose()
    }
}
