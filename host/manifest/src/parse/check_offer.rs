//! The relations between the keys of prompts, resources and widgets.

use super::{
    Refusal,
    check::{Known, check_names, check_uses, once},
    list::{Entry, List},
    offer::{PageOrigin, RawPrompt, RawResource, RawWidget},
    reader::{At, Reader},
};
use crate::{
    Access, AskKind, Prompt, PromptArgument, Resource, Scope, ToolName, Use, Widget,
    http::{HostPattern, OriginPattern},
    is_page,
    uri::UriTemplate,
};

/// The prompt, unless something that it needs was refused already or is refused here.
pub(super) fn prompt(raw: RawPrompt, known: &Known<'_>, reader: &mut Reader<'_>) -> Option<Prompt> {
    let uses = reading(raw.uses, known, reader);
    let ask = asking(raw.ask, reader);
    let scopes = scopes(raw.scopes, reader);
    let arguments = raw.argument.map(|arguments| arguments.value.0).unwrap_or_default();
    check_names(arguments.iter().map(|argument| ("argument", &argument.name)), reader);
    let arguments = arguments.into_iter().map(|raw| {
        Some(PromptArgument {
            name: raw.name?.value,
            title: raw.title.map(|title| title.value.0),
            description: raw.description.map(|description| description.value.0),
            required: raw.required.is_some_and(|required| required.value),
            complete: raw.complete.is_some_and(|complete| complete.value),
        })
    });
    Some(Prompt {
        name: raw.name?.value,
        title: raw.title?.value.0,
        description: raw.description?.value.0,
        ask,
        uses,
        scopes,
        arguments: arguments.collect::<Option<_>>()?,
    })
}

/// The resources, none of which has the URI of another.
pub(super) fn resources(raw: Vec<RawResource>, known: &Known<'_>, reader: &mut Reader<'_>) -> Vec<Option<Resource>> {
    let mut checked: Vec<Option<Resource>> = Vec::with_capacity(raw.len());
    for raw in raw {
        let spot = raw.uri.as_ref().map(|uri| uri.spot.clone()).unwrap_or_default();
        let resource = resource(raw, known, reader);
        let others = checked.iter().flatten();
        let same =
            |other: &&Resource| resource.as_ref().is_some_and(|resource| shape(&other.uri) == shape(&resource.uri));
        if let Some(other) = { others }.find(same).map(|other| other.name.to_string()) {
            reader.refuse(&spot, Refusal::UriTwice(other));
        }
        checked.push(resource);
    }
    checked
}

/// A template without the names of its variables.
fn shape(uri: &UriTemplate) -> String {
    let mut shape = uri.as_str().to_owned();
    for variable in uri.variables() {
        // Braces stand in templates for variables only.
        shape = shape.replace(&format!("{}}}", variable.name), "}");
    }
    shape
}

fn resource(raw: RawResource, known: &Known<'_>, reader: &mut Reader<'_>) -> Option<Resource> {
    let host_answers = raw.asset.as_ref();
    if let Some(asset) = host_answers {
        if !known.assets && !reader.refused("assets") {
            reader.refuse(&asset.spot, Refusal::NoAssets);
        }
        let spots = [raw.uses.as_ref().map(|uses| &uses.spot), raw.ask.as_ref().map(|ask| &ask.spot)];
        spots.into_iter().flatten().for_each(|spot| reader.refuse(spot, Refusal::NotRun));
        if let Some(Err(error)) = raw.uri.as_ref().map(|uri| asset.value.check_uri(&uri.value)) {
            reader.refuse(&asset.spot, error.into());
        }
    }
    if let Some(mime) = raw.mime.as_ref().filter(|mime| is_page(&mime.value.0)) {
        reader.refuse(&mime.spot, Refusal::Page(mime.value.0.clone()));
    }
    let uses = reading(raw.uses, known, reader);
    let ask = asking(raw.ask, reader);
    let scopes = scopes(raw.scopes, reader);
    let complete = raw.complete.map(|complete| complete.value.0).unwrap_or_default();
    if let Some(uri) = &raw.uri {
        let offered: Vec<String> = uri.value.variables().map(|variable| variable.name.to_owned()).collect();
        for At { spot, value } in
            complete.iter().filter(|name| !offered.iter().any(|known| known == name.value.as_str()))
        {
            reader.refuse(spot, Refusal::NoVariable { name: value.to_string(), offered: offered.clone() });
        }
    }
    Some(Resource {
        name: raw.name?.value,
        title: raw.title?.value.0,
        description: raw.description?.value.0,
        mime: raw.mime.map(|mime| mime.value.0),
        ask,
        uses,
        scopes,
        uri: raw.uri?.value,
        complete: once(complete, ToolName::to_string, reader),
        asset: raw.asset.map(|asset| asset.value),
    })
}

/// The widget, unless something that it needs was refused already or is refused here.
pub(super) fn widget(raw: RawWidget, known: &Known<'_>, reader: &mut Reader<'_>) -> Option<Widget> {
    if let Some(asset) = raw.asset.as_ref().filter(|_| !known.assets && !reader.refused("assets")) {
        reader.refuse(&asset.spot, Refusal::NoAssets);
    }
    if let Some(domain) = &raw.domain
        && !matches!(domain.value.0.host(), HostPattern::Exact(_))
    {
        reader.refuse(&domain.spot, Refusal::OneOrigin(domain.value.0.to_string()));
    }
    let mut origins = |list: Option<At<List<PageOrigin>>>| -> Vec<OriginPattern> {
        let list = list.map(|list| list.value.0).unwrap_or_default();
        let list = list.into_iter().map(|At { spot, value }| At { spot, value: value.0 });
        once(list.collect(), OriginPattern::to_string, reader)
    };
    let (connect, load) = (origins(raw.connect), origins(raw.load));
    let (frame, redirect) = (origins(raw.frame), origins(raw.redirect));
    Some(Widget {
        name: raw.name?.value,
        title: raw.title?.value.0,
        description: raw.description?.value.0,
        asset: raw.asset?.value,
        version: raw.version.map(|version| version.value.0),
        connect,
        load,
        frame,
        redirect,
        border: raw.border.map(|border| border.value),
        domain: raw.domain.map(|domain| domain.value.0),
    })
}

/// What is held to read. An entry that writes is refused: nothing that a client reads by itself may have an effect.
fn reading(raw: Option<At<List<Entry>>>, known: &Known<'_>, reader: &mut Reader<'_>) -> Vec<Use> {
    let entries = raw.map(|uses| uses.value.0).unwrap_or_default();
    check_uses(&entries, known.names, reader);
    for At { spot, value } in entries.iter().filter(|entry| entry.value.access == Access::Write) {
        reader.refuse(spot, Refusal::OnlyReads(value.name.clone()));
    }
    entries.into_iter().map(|At { value: Entry { name, access }, .. }| Use { capability: name, access }).collect()
}

fn asking(raw: Option<At<List<AskKind>>>, reader: &mut Reader<'_>) -> Vec<AskKind> {
    once(raw.map(|ask| ask.value.0).unwrap_or_default(), |kind| kind.as_str().to_owned(), reader)
}

fn scopes(raw: Option<At<List<Scope>>>, reader: &mut Reader<'_>) -> Vec<Scope> {
    once(raw.map(|scopes| scopes.value.0).unwrap_or_default(), Scope::to_string, reader)
}
