//! What is wrong with single values, and between them.

use super::refused;

#[test]
fn a_kind_of_capability_that_is_not_offered_is_refused_with_those_that_are() {
    refused(
        "kind = \"kv\"",
        "kind = \"sockets\"\norigin = \"https://a.example\"",
        &[
            "plugin.toml:13:8: capability.notebook.kind: this host offers no capability of kind `sockets`; write one of `kv`, `http`, `files`",
        ],
    );
    refused(
        "kind = \"kv\"\n",
        "",
        &[
            "plugin.toml:12:1: capability.notebook.kind: it is missing; write `kind`: one of \"kv\", \"http\", \"files\"",
        ],
    );
    refused(
        "partition = \"user\"",
        "partition = \"all\"",
        &["plugin.toml:14:13: capability.notebook.partition: `all` is not known; write one of `user`, `shared`"],
    );
}

#[test]
fn names_and_values_of_other_types_and_forms_are_refused() {
    refused(
        "name = \"notes\"",
        "name = \"Notes\"",
        &[
            "plugin.toml:4:8: plugin.name: `Notes` is not allowed; write text: 1 to 40 of a-z, 0-9 and -, beginning with a letter",
        ],
    );
    refused(
        "name = \"notes\"",
        "name = 7",
        &[
            "plugin.toml:4:8: plugin.name: this is a whole number; write text: 1 to 40 of a-z, 0-9 and -, beginning with a letter",
        ],
    );
    refused(
        "label = \"write\"",
        "label = \"none\"",
        &["plugin.toml:26:9: tool.create.label: `none` is not known; write one of `read`, `write`, `destructive`"],
    );
    refused(
        "\"mailto:support@example.com\"",
        "\"support@example.com\"",
        &[
            "plugin.toml:9:11: plugin.support: `support@example.com` is not allowed; write an address that begins with mailto: or https://",
        ],
    );
    refused(
        "\"https://example.com/privacy\"",
        "\"http://example.com/privacy\"",
        &[
            "plugin.toml:10:18: plugin.privacy_policy: `http://example.com/privacy` is not allowed; write an address that begins with https://",
        ],
    );
    refused(
        "version = \"1.2.0\"",
        "version = \"1.2\"",
        &[
            "plugin.toml:5:11: plugin.version: `1.2` is not allowed; write a semantic version such as \"1.2.0\", at most 64 characters",
        ],
    );
}

#[test]
fn mc_04_two_tools_of_one_name_are_refused() {
    refused(
        "name = \"search\"",
        "name = \"create\"",
        &["plugin.toml:33:8: tool.create.name: the tool `create` is on line 23 already; write another name"],
    );
    refused(
        "name = \"search\"",
        "name = \"Create\"",
        &[
            "plugin.toml:33:8: tool[2].name: `Create` is not allowed; write text: 1 to 64 of a-z, 0-9 and _, beginning with a letter",
        ],
    );
    refused(
        "[[tool]]\nname = \"search\"",
        "[tool]\nname = \"search\"",
        &[
            "plugin.toml:32:1: tool: this is a table; write tables that begin with [[tool]]",
            "plugin.toml:32:2: tool: the key `tool` is written twice; write it once",
        ],
    );
}

#[test]
fn mc_05_text_that_hides_something_is_refused_where_it_stands() {
    refused(
        "summary = \"Personal",
        "summary = \"Pers\\u202Eonal",
        &["plugin.toml:8:16: plugin.summary: it holds U+202E, which changes the direction of text; write it without"],
    );
    refused(
        "summary = \"Personal",
        "summary = \"Pers\u{e0041}onal",
        &[
            "plugin.toml:8:16: plugin.summary: it holds the Unicode tag U+E0041, which hides text from people; write it without",
        ],
    );
    refused(
        "description = \"Use this to find notes by a word in them.\"",
        "description = \"\"\"Use\nthis\u{200b} to\"\"\"",
        &["plugin.toml:36:5: tool.search.description: it holds U+200B, which nobody sees; write it without"],
    );
    refused(
        "title = \"Search",
        "title = \"Sea\\nrch",
        &["plugin.toml:34:13: tool.search.title: it has a line break; write it on one line"],
    );
    refused(
        "title = \"Search",
        "title = \"Cafe\u{301}",
        &["plugin.toml:34:9: tool.search.title: it is not in Unicode normalisation form C; write `Café notes`"],
    );
    refused(
        "title = \"Search notes\"",
        "title = \"\"",
        &["plugin.toml:34:9: tool.search.title: it is empty; write what a person should read here"],
    );
    refused(
        "title = \"Search notes\"",
        &format!("title = \"{}\"", "x".repeat(81)),
        &["plugin.toml:34:9: tool.search.title: it has 81 characters and at most 80 are allowed; write a shorter text"],
    );
}

#[test]
fn amounts_are_refused_with_their_limit_their_value_and_the_bound() {
    refused(
        "memory = \"32 MiB\"",
        "memory = \"1 GiB\"",
        &["plugin.toml:18:10: limits.memory: `memory` is 1 GiB and its maximum is 512 MiB; write at most that"],
    );
    refused(
        "memory = \"32 MiB\"",
        "memory = 1024",
        &["plugin.toml:18:10: limits.memory: `memory` is 1 KiB and its minimum is 64 KiB; write at least that"],
    );
    refused(
        "memory = \"32 MiB\"",
        "memory = \"32 MB\"",
        &[
            "plugin.toml:18:10: limits.memory: `32 MB` is not allowed; write a size such as \"4 MiB\", \"64 KiB\" or a number of bytes",
        ],
    );
    refused(
        "memory = \"32 MiB\"",
        "memory = 99999999999999999999",
        &[
            "plugin.toml:18:10: limits.memory: the number `99999999999999999999` is not one this host can hold; write a size such as \"4 MiB\", \"64 KiB\" or a number of bytes",
        ],
    );
    refused(
        "time = \"5 s\"",
        "time = 5",
        &["plugin.toml:20:8: limits.time: this is a whole number; write a time such as \"5 s\" or \"250 ms\""],
    );
    refused(
        "time = \"5 s\"",
        "time = \"61 s\"",
        &["plugin.toml:20:8: limits.time: `time` is 61 s and its maximum is 60 s; write at most that"],
    );
    refused(
        "fuel = 200_000_000",
        "fuel = \"200\"",
        &["plugin.toml:19:8: limits.fuel: this is text; write a whole number"],
    );
    refused(
        "fuel = 200_000_000",
        "fuel = -1",
        &["plugin.toml:19:8: limits.fuel: the number `-1` is not one this host can hold; write a whole number"],
    );
    refused(
        "quota = \"4 MiB\"",
        "quota = \"65 MiB\"\nkeys = 0",
        &[
            "plugin.toml:15:9: capability.notebook.quota: `quota` is 65 MiB and its maximum is 64 MiB; write at most that",
            "plugin.toml:16:8: capability.notebook.keys: `keys` is 0 and its minimum is 1; write at least that",
        ],
    );
}

#[test]
fn wx_04_uses_must_name_a_capability_once() {
    refused(
        "uses = [\"notebook:read\"]",
        "uses = [\"notebok:read\"]",
        &[
            "plugin.toml:36:9: tool.search.uses[1]: there is no capability `notebok`; write one of `notebook`, or declare it",
        ],
    );
    refused(
        "uses = [\"notebook:read\"]",
        "uses = [\"crm:read\"]",
        &[
            "plugin.toml:36:9: tool.search.uses[1]: there is no capability `crm`; write one of `notebook`, or declare it",
        ],
    );
    refused(
        "[capability.notebook]\nkind = \"kv\"\npartition = \"user\"              # user | shared\nquota = \"4 MiB\"\n",
        "",
        &[
            "plugin.toml:23:9: tool.create.uses[1]: there is no capability `notebook`; write [capability.notebook], or delete the entry",
            "plugin.toml:32:9: tool.search.uses[1]: there is no capability `notebook`; write [capability.notebook], or delete the entry",
        ],
    );
    refused(
        "uses = [\"notebook:read\"]",
        "uses = [\"notebook\"]",
        &[
            "plugin.toml:36:9: tool.search.uses[1]: `notebook` is not allowed; write the name of a capability, a colon and read or write, such as \"notebook:write\"",
        ],
    );
    refused(
        "uses = [\"notebook:read\"]",
        "uses = [\"notebook:read\", \"notebook:write\"]",
        &[
            "plugin.toml:36:26: tool.search.uses[2]: `notebook` is used twice by this tool; write it once, as `notebook:write`",
        ],
    );
    refused(
        "uses = [\"notebook:read\"]",
        "uses = \"notebook:read\"",
        &[
            "plugin.toml:36:8: tool.search.uses: this is text; write a list, each element of which is the name of a capability, a colon and read or write, such as \"notebook:write\"",
        ],
    );
}

#[test]
fn wr_01_a_label_below_what_the_tool_can_do_is_refused_with_the_entry_that_makes_it_so() {
    refused(
        "label = \"write\"",
        "label = \"read\"",
        &[
            "plugin.toml:26:9: tool.create.label: the label `read` is lower than what the tool can do: `notebook:write` has the effect `write`; write `label = \"write\"`, or `notebook:read` if it only reads",
        ],
    );
}

#[test]
fn au_05_scopes_are_scope_tokens_and_listed_once() {
    refused(
        "scopes = [\"notes:read\"]",
        "scopes = [\"a\", \"a\", \"b c\"]",
        &[
            "plugin.toml:37:16: tool.search.scopes[2]: `a` is listed twice; write it once",
            "plugin.toml:37:21: tool.search.scopes[3]: `b c` is not allowed; write text: 1 to 128 printable ASCII characters other than space, \" and \\",
        ],
    );
}

#[test]
fn files_are_named_relative_to_the_manifest() {
    refused(
        "\"notes.wasm\"",
        "\"../notes.wasm\"",
        &[
            "plugin.toml:6:13: plugin.component: `../notes.wasm` is not allowed; write a file relative to the manifest such as \"schemas/create.json\": at most 128 of A-Z, a-z, 0-9, _, -, . and /, no part beginning with a dot",
        ],
    );
    refused(
        "\"notes.wasm\"",
        "\"/notes.wasm\"",
        &[
            "plugin.toml:6:13: plugin.component: `/notes.wasm` is not allowed; write a file relative to the manifest such as \"schemas/create.json\": at most 128 of A-Z, a-z, 0-9, _, -, . and /, no part beginning with a dot",
        ],
    );
    refused(
        "\"notes.wasm\"",
        "\"a//b.wasm\"",
        &[
            "plugin.toml:6:13: plugin.component: `a//b.wasm` is not allowed; write a file relative to the manifest such as \"schemas/create.json\": at most 128 of A-Z, a-z, 0-9, _, -, . and /, no part beginning with a dot",
        ],
    );
    refused(
        "\"notes.wasm\"",
        "'C:\\notes.wasm'",
        &[
            "plugin.toml:6:13: plugin.component: `C:\\notes.wasm` is not allowed; write a file relative to the manifest such as \"schemas/create.json\": at most 128 of A-Z, a-z, 0-9, _, -, . and /, no part beginning with a dot",
        ],
    );
    refused(
        "\"notes.wasm\"",
        "\"./notes.wasm\"",
        &[
            "plugin.toml:6:13: plugin.component: `./notes.wasm` is not allowed; write a file relative to the manifest such as \"schemas/create.json\": at most 128 of A-Z, a-z, 0-9, _, -, . and /, no part beginning with a dot",
        ],
    );
    refused(
        "\"notes.wasm\"",
        "\"\"",
        &[
            "plugin.toml:6:13: plugin.component: `` is not allowed; write a file relative to the manifest such as \"schemas/create.json\": at most 128 of A-Z, a-z, 0-9, _, -, . and /, no part beginning with a dot",
        ],
    );
}
