mod capability;
mod host;
mod origin;
mod path;

/// The kind of an error: its variant's name.
fn variant(error: &impl std::fmt::Debug) -> String {
    let text = format!("{error:?}");
    text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
}
