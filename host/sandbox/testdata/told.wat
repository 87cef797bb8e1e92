;; A plugin that asks every function that has anything to say of the call, and gives its whole memory away as an image: with
;; it, all that the host ever put there. Nothing else can be reached, so nothing else can be told.
(component
  (import "portcullis:plugin/types@0.1.0" (instance $types
    (type $json' string)
    (export "json" (type $json (eq $json')))
    (type $bytes (list u8))
    (type $media' (record (field "data" $bytes) (field "mime-type" string)))
    (export "media" (type $media (eq $media')))
    (type $maybe-string (option string))
    (type $link' (record (field "uri" string) (field "name" string) (field "mime-type" $maybe-string)))
    (export "link" (type $link (eq $link')))
    (type $content' (variant (case "text" string) (case "image" $media) (case "audio" $media) (case "link" $link)))
    (export "content" (type $content (eq $content')))
    (type $contents (list $content))
    (type $maybe-json (option $json))
    (type $answer' (record (field "content" $contents) (field "structured" $maybe-json) (field "meta" $maybe-json)))
    (export "answer" (type $answer (eq $answer')))
    (type $question' (record (field "key" string) (field "message" string) (field "schema" $json)))
    (export "question" (type $question (eq $question')))
    (type $questions (list $question))
    (type $needs-input' (record (field "questions" $questions) (field "state" $bytes)))
    (export "needs-input" (type $needs-input (eq $needs-input')))
    (type $outcome' (variant (case "done" $answer) (case "failed" string) (case "needs-input" $needs-input)))
    (export "outcome" (type $outcome (eq $outcome')))
  ))
  (alias export $types "json" (type $json))
  (alias export $types "outcome" (type $outcome))

  (import "portcullis:plugin/caller@0.1.0" (instance $caller
    (type $maybe-string (option string))
    (type $strings (list string))
    (type $info' (record
      (field "subject" $maybe-string) (field "scopes" $strings) (field "locale" $maybe-string)
      (field "correlation-id" string) (field "time-left-ms" u64) (field "preview" bool)))
    (export "info" (type $info (eq $info')))
    (export "get" (func (result $info)))
  ))
  (import "portcullis:plugin/questions@0.1.0" (instance $questions
    (alias outer 1 $json (type $json'))
    (export "json" (type $json (eq $json')))
    (type $reply' (variant (case "accepted" $json) (case "declined") (case "cancelled")))
    (export "reply" (type $reply (eq $reply')))
    (type $answer' (record (field "key" string) (field "reply" $reply)))
    (export "answer" (type $answer (eq $answer')))
    (type $bytes (list u8))
    (type $answers (list $answer))
    (type $round' (record (field "state" $bytes) (field "answers" $answers)))
    (export "round" (type $round (eq $round')))
    (type $maybe-round (option $round))
    (export "answered" (func (result $maybe-round)))
  ))
  (import "portcullis:plugin/secrets@0.1.0" (instance $secrets
    (type $placeholder (result string (error string)))
    (export "placeholder" (func (param "capability" string) (result $placeholder)))
  ))
  (import "wasi:cli/environment@0.2.3" (instance $environment
    (type $variable (tuple string string))
    (type $variables (list $variable))
    (type $strings (list string))
    (type $maybe-string (option string))
    (export "get-environment" (func (result $variables)))
    (export "get-arguments" (func (result $strings)))
    (export "initial-cwd" (func (result $maybe-string)))
  ))

  ;; Memory is there before the functions that write into it are lowered, and they before the module that calls them.
  (core module $memory-module
    (memory (export "memory") 2)
    (global $next (mut i32) (i32.const 65536))
    (func (export "cabi_realloc") (param $old i32) (param $old-length i32) (param $align i32) (param $length i32) (result i32)
      (local $start i32)
      (local.set $start
        (i32.and
          (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
          (i32.sub (i32.const 0) (local.get $align))))
      (global.set $next (i32.add (local.get $start) (local.get $length)))
      (local.get $start)))
  (core instance $own (instantiate $memory-module))
  (alias core export $own "memory" (core memory $memory))
  (alias core export $own "cabi_realloc" (core func $realloc))

  (core func $get (canon lower (func $caller "get") (memory $memory) (realloc $realloc)))
  (core func $answered (canon lower (func $questions "answered") (memory $memory) (realloc $realloc)))
  (core func $placeholder (canon lower (func $secrets "placeholder") (memory $memory) (realloc $realloc)))
  (core func $variables (canon lower (func $environment "get-environment") (memory $memory) (realloc $realloc)))
  (core func $arguments (canon lower (func $environment "get-arguments") (memory $memory) (realloc $realloc)))
  (core func $folder (canon lower (func $environment "initial-cwd") (memory $memory) (realloc $realloc)))

  (core module $guest
    (import "own" "memory" (memory 2))
    (import "host" "get" (func $get (param i32)))
    (import "host" "answered" (func $answered (param i32)))
    (import "host" "placeholder" (func $placeholder (param i32 i32 i32)))
    (import "host" "variables" (func $variables (param i32)))
    (import "host" "arguments" (func $arguments (param i32)))
    (import "host" "folder" (func $folder (param i32)))

    ;; outcome: done (0), 3 of padding; content: where, how many; structured: none; meta: none.
    (data (i32.const 0x400)
      "\00\00\00\00"  "\30\04\00\00" "\01\00\00\00"  "\00\00\00\00" "\00\00\00\00" "\00\00\00\00"
      "\00\00\00\00" "\00\00\00\00" "\00\00\00\00")
    ;; content: image (1); bytes: from 0, both pages; kind: where, length.
    (data (i32.const 0x430) "\01\00\00\00" "\00\00\00\00" "\00\00\02\00" "\70\04\00\00" "\0e\00\00\00")
    (data (i32.const 0x470) "image/x-memory")
    (data (i32.const 0x480) "notebook")

    (func (export "call") (param i32 i32 i32 i32) (result i32)
      (call $get (i32.const 0x100))
      (call $answered (i32.const 0x180))
      (call $placeholder (i32.const 0x480) (i32.const 8) (i32.const 0x1c0))
      (call $variables (i32.const 0x200))
      (call $arguments (i32.const 0x220))
      (call $folder (i32.const 0x240))
      (i32.const 0x400)))
  (core instance $guest (instantiate $guest
    (with "own" (instance $own))
    (with "host" (instance
      (export "get" (func $get))
      (export "answered" (func $answered))
      (export "placeholder" (func $placeholder))
      (export "variables" (func $variables))
      (export "arguments" (func $arguments))
      (export "folder" (func $folder))))))
  (alias core export $guest "call" (core func $guest-call))
  (func $call (param "tool" string) (param "arguments" $json) (result $outcome)
    (canon lift (core func $guest-call) (memory $memory) (realloc $realloc)))
  (instance $tools
    (export "json" (type $json))
    (export "outcome" (type $outcome))
    (export "call" (func $call)))
  (export "portcullis:plugin/tools@0.1.0" (instance $tools))
)
