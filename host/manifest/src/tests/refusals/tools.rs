//! What is wrong with confirmation, preview and questions.

use super::{errors, refused, refused_crm};

#[test]
fn a_confirmation_of_a_tool_that_only_reads_is_refused() {
    refused_crm(
        "uses = [\"crm:read\"]",
        "confirm = \"person\"\nuses = [\"crm:read\"]",
        &[
            "plugin.toml:25:11: tool.find.confirm: this tool only reads, so a confirmation with `confirm = \"person\"` would be of nothing; delete it, or write `label = \"write\"` if it is more than it seems",
        ],
    );
    refused_crm(
        "confirm = \"person\"",
        "confirm = \"none\"",
        &["plugin.toml:31:11: tool.note.confirm: `none` is not known; write one of `preview`, `person`"],
    );
    refused_crm(
        "confirm = \"person\"",
        "confirm = true",
        &["plugin.toml:31:11: tool.note.confirm: this is true or false; write one of \"preview\", \"person\""],
    );
}

#[test]
fn a_partial_preview_is_refused_where_it_means_nothing() {
    refused_crm(
        "confirm = \"person\"\n",
        "",
        &[
            "plugin.toml:31:11: tool.note.preview: `preview` says how much a confirmation shows, and this tool has none; write `confirm = \"preview\"` or `confirm = \"person\"` too, or delete it",
        ],
    );
    refused_crm(
        "uses = [\"crm:write\", \"exports:write\"]",
        "uses = [\"crm:read\", \"exports:write\"]",
        &[
            "plugin.toml:32:11: tool.note.preview: this tool holds no capability of kind `http` with `write`, so what it does depends on no answer from outside and its preview is whole; delete it",
        ],
    );
    refused_crm(
        "preview = \"partial\"",
        "preview = \"none\"",
        &["plugin.toml:32:11: tool.note.preview: `none` is not known; write one of `whole`, `partial`"],
    );
    let whole = super::CRM.replace("confirm = \"person\"\npreview = \"partial\"", "preview = \"whole\"");
    assert_eq!(errors(&whole), [""; 0]);
}

#[test]
fn what_follows_from_a_refusal_is_not_refused_as_well() {
    let kinds = "plugin.toml:11:8: capability.crm.kind: this host offers no capability of kind `htpp`; write one of `kv`, `http`, `files`";
    refused_crm("kind = \"http\"", "kind = \"htpp\"", &[kinds]);
    refused_crm(
        "uses = [\"crm:write\", \"exports:write\"]",
        "uses = [\"crm\"]",
        &[
            "plugin.toml:34:9: tool.note.uses[1]: `crm` is not allowed; write the name of a capability, a colon and read or write, such as \"notebook:write\"",
        ],
    );
    refused_crm(
        "confirm = \"person\"",
        "confirm = \"persons\"",
        &["plugin.toml:31:11: tool.note.confirm: `persons` is not known; write one of `preview`, `person`"],
    );
}

#[test]
fn mc_11_a_kind_of_question_that_is_not_offered_is_refused() {
    refused(
        "scopes = [\"notes:read\"]",
        "ask = [\"url\", \"form\"]",
        &["plugin.toml:37:8: tool.search.ask[1]: `url` is not known; write one of `form`, `sampling`, `roots`"],
    );
    refused_crm(
        "ask = [\"form\"]",
        "ask = [\"form\", \"form\"]",
        &["plugin.toml:33:16: tool.note.ask[2]: `form` is listed twice; write it once"],
    );
}

#[test]
fn wr_04_what_is_retired_has_a_name_that_nothing_has_and_a_successor_that_there_is() {
    let with = |retired: &str| format!("{}\n[[retired]]\n{retired}\n", super::CRM);
    assert_eq!(errors(&with("name = \"old\"\ninstead = \"find\"\nwhy = \"Both at once\"")), [""; 0]);
    assert_eq!(errors(&with("name = \"old\"")), [""; 0]);
    let refused = |retired: &str, at: &str, why: &str| {
        let found = errors(&with(retired));
        assert!(found.len() == 1 && found[0].contains(at) && found[0].contains(why), "{found:?}");
    };
    refused("name = \"find\"", "retired.find.name", "the tool `find` is on line");
    refused("name = \"old\"\n[[retired]]\nname = \"old\"", "retired.old.name", "the retired `old` is on line");
    refused("name = \"old\"\ninstead = \"new\"", "retired.old.instead", "there is no tool or prompt `new`");
    refused("name = \"old\"\ninstead = \"old\"", "retired.old.instead", "there is no tool or prompt `old`");
    refused("instead = \"find\"", "retired[1]", "name");
    refused("name = \"old\"\nwhy = \"a\\nb\"", "retired.old.why", "");
}
