//! Names of assets, and which of them a resource answers with.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    Expansion, InvalidTemplate, UriTemplate, Variables, is_value,
    parts::{Part, parts},
};
use crate::text::{Form, TextFault, faults};

/// Most bytes of the name of an asset.
const MAX_NAME: usize = 255;

/// The name of an asset: relative to the folder of assets, parts between `/`. It is never a path of any machine: no part is
/// empty or begins with a dot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AssetName(Arc<str>);

/// Which assets a resource is answered with: one, or each that fits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AssetPattern {
    text: Arc<str>,
    before: String,
    variable: Option<(String, Expansion)>,
    after: String,
}

/// Why a text names no asset.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAsset {
    /// Nothing, or over its length.
    #[error("a name of an asset has 1 to {MAX_NAME} bytes, and this one has {0}")]
    Length(usize),
    /// `/a`, `a//b`, `a/`, `..`, `.git`.
    #[error(
        "an asset is named relative to the folder of assets, its parts between single `/`, and no part begins with a dot: \
         rename it, or write the name so"
    )]
    Part,
    /// `\`, `:` and what hides.
    #[error("a name of an asset holds no `\\`, `:`, `{{` or `}}`: rename it")]
    Character,
    /// A name that people can't read as it is.
    #[error("as a name of an asset, {0}")]
    Text(#[from] TextFault),
    /// The braces.
    #[error(transparent)]
    Template(#[from] InvalidTemplate),
    /// Several variables.
    #[error("which asset it is may depend on one variable, and this names {0}; write one")]
    Variables(usize),
    /// Other variables than the URI's.
    #[error("the URI has {uri} and the asset has {asset}; write the same variable in both, in the same way")]
    Differ {
        /// Those of the URI.
        uri: String,
        /// Those of the asset.
        asset: String,
    },
}

impl AssetName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AssetName {
    type Err = InvalidAsset;

    fn from_str(text: &str) -> Result<Self, InvalidAsset> {
        if text.is_empty() || text.len() > MAX_NAME {
            return Err(InvalidAsset::Length(text.len()));
        }
        if text.contains(['\\', ':', '{', '}']) {
            return Err(InvalidAsset::Character);
        }
        if text.split('/').any(|part| part.is_empty() || part.starts_with('.')) {
            return Err(InvalidAsset::Part);
        }
        match faults(text, Form { maximum: MAX_NAME, lines: false, filled: true }).into_iter().next() {
            Some((_, fault)) => Err(fault.into()),
            None => Ok(Self(text.into())),
        }
    }
}

impl TryFrom<String> for AssetName {
    type Error = InvalidAsset;

    fn try_from(text: String) -> Result<Self, InvalidAsset> {
        text.parse()
    }
}

impl From<AssetName> for String {
    fn from(name: AssetName) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl fmt::Display for AssetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for AssetName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AssetPattern {
    /// As it is written in the manifest.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The one asset, if it names one.
    #[must_use]
    pub fn exact(&self) -> Option<&str> {
        self.variable.is_none().then_some(&*self.text)
    }

    /// The asset for these values of the URI's variables. Whether it is there is another question.
    #[must_use]
    pub fn expand(&self, values: &Variables) -> Option<String> {
        match &self.variable {
            None => Some(self.text.as_ref().to_owned()),
            Some((name, expansion)) => {
                let value = values.get(name).filter(|value| is_value(value, *expansion))?;
                Some(format!("{}{value}{}", self.before, self.after))
            }
        }
    }

    /// The values with which this is the asset `name`.
    #[must_use]
    pub fn matches(&self, name: &AssetName) -> Option<Variables> {
        let rest = name.as_str().strip_prefix(self.before.as_str())?;
        match &self.variable {
            None => rest.is_empty().then(Variables::new),
            Some((variable, expansion)) => {
                let value = rest.strip_suffix(self.after.as_str()).filter(|value| is_value(value, *expansion))?;
                Some(Variables::from([(variable.clone(), value.to_owned())]))
            }
        }
    }

    /// Whether it depends on just what `uri` says.
    ///
    /// # Errors
    /// Names the variables of both.
    pub fn check_uri(&self, uri: &UriTemplate) -> Result<(), InvalidAsset> {
        let written = |name: &str, expansion| match expansion {
            Expansion::Simple => format!("`{{{name}}}`"),
            Expansion::Reserved => format!("`{{+{name}}}`"),
        };
        let none = || "no variable".to_owned();
        let mut of_uri: Vec<_> = uri.variables().map(|variable| written(variable.name, variable.expansion)).collect();
        let of_asset = self.variable.as_ref().map(|(name, expansion)| written(name, *expansion));
        if of_uri.iter().eq(&of_asset) {
            return Ok(());
        }
        if of_uri.is_empty() {
            of_uri.push(none());
        }
        Err(InvalidAsset::Differ { uri: of_uri.join(" and "), asset: of_asset.unwrap_or_else(none) })
    }
}

impl FromStr for AssetPattern {
    type Err = InvalidAsset;

    fn from_str(text: &str) -> Result<Self, InvalidAsset> {
        let (mut before, mut after, mut variables) = (String::new(), String::new(), Vec::new());
        for part in parts(text)? {
            match part {
                Part::Text(text) if variables.is_empty() => before = text,
                Part::Text(text) => after = text,
                Part::Variable(name, expansion) => variables.push((name, expansion)),
            }
        }
        if variables.len() > 1 {
            return Err(InvalidAsset::Variables(variables.len()));
        }
        let variable = variables.pop();
        // With any value in its place it has to be a name.
        let filler = if variable.is_some() { "x" } else { "" };
        format!("{before}{filler}{after}").parse::<AssetName>()?;
        Ok(Self { text: text.into(), before, variable, after })
    }
}

impl fmt::Display for AssetPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
