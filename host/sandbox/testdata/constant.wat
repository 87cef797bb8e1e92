;; The smallest plugin: it implements `portcullis:plugin/tools@0.1.0` by hand and gives the same answer to every call of
;; every tool. It imports no function; its one import holds types only.
;;
;; Answer: the text `constant`, and the structured value `{"constant":true}`.
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
    (type $body' (variant (case "text" string) (case "blob" $bytes)))
    (export "body" (type $body (eq $body')))
    (type $contents' (record (field "uri" string) (field "mime-type" string) (field "body" $body)))
    (export "contents" (type $contents (eq $contents')))
    (type $content' (variant (case "text" string) (case "image" $media) (case "audio" $media) (case "link" $link)
      (case "embedded" $contents)))
    (export "content" (type $content (eq $content')))
    (type $role' (enum "user" "assistant"))
    (export "role" (type $role (eq $role')))
    (type $message' (record (field "role" $role) (field "content" $content)))
    (export "message" (type $message (eq $message')))
    (type $blocks (list $content))
    (type $maybe-json (option $json))
    (type $answer' (record (field "content" $blocks) (field "structured" $maybe-json) (field "meta" $maybe-json)))
    (export "answer" (type $answer (eq $answer')))
    (type $question' (record (field "key" string) (field "message" string) (field "schema" $json)))
    (export "question" (type $question (eq $question')))
    (type $questions (list $question))
    (type $messages (list $message))
    (type $maybe-number (option f64))
    (type $strings (list string))
    (type $sampling' (record (field "key" string) (field "messages" $messages) (field "system-prompt" $maybe-string)
      (field "max-tokens" u32) (field "temperature" $maybe-number) (field "stop-sequences" $strings)))
    (export "sampling" (type $sampling (eq $sampling')))
    (type $samplings (list $sampling))
    (type $needs-input' (record (field "questions" $questions) (field "state" $bytes) (field "samplings" $samplings)
      (field "roots" $strings)))
    (export "needs-input" (type $needs-input (eq $needs-input')))
    (type $outcome' (variant (case "done" $answer) (case "failed" string) (case "needs-input" $needs-input)))
    (export "outcome" (type $outcome (eq $outcome')))
  ))
  (alias export $types "json" (type $json))
  (alias export $types "outcome" (type $outcome))

  (core module $guest
    (memory (export "memory") 1)

    ;; Where the host puts the tool's name and the arguments: from the middle of the page on, never given back.
    (global $next (mut i32) (i32.const 32768))
    (func (export "cabi_realloc") (param $old i32) (param $old-length i32) (param $align i32) (param $length i32) (result i32)
      (local $start i32)
      (local.set $start
        (i32.and
          (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
          (i32.sub (i32.const 0) (local.get $align))))
      (global.set $next (i32.add (local.get $start) (local.get $length)))
      (block $fits
        (loop $more
          (br_if $fits (i32.le_u (global.get $next) (i32.mul (memory.size) (i32.const 65536))))
          (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
        (unreachable))
      (local.get $start))

    ;; outcome: done (0), 3 of padding; content: where, how many; structured: some, where, length; meta: none.
    (data (i32.const 1024)
      "\00\00\00\00"  "\30\04\00\00" "\01\00\00\00"  "\01\00\00\00" "\80\04\00\00" "\11\00\00\00"
      "\00\00\00\00" "\00\00\00\00" "\00\00\00\00")
    ;; content, at 0x430: text (0), where, length; and the rest of the 32 bytes that the largest case needs.
    (data (i32.const 0x430) "\00\00\00\00" "\70\04\00\00" "\08\00\00\00")
    (data (i32.const 0x470) "constant")
    (data (i32.const 0x480) "{\"constant\":true}")

    (func (export "call") (param i32 i32 i32 i32) (result i32)
      (i32.const 1024)))

  (core instance $guest (instantiate $guest))
  (alias core export $guest "call" (core func $guest-call))
  (alias core export $guest "memory" (core memory $memory))
  (alias core export $guest "cabi_realloc" (core func $realloc))
  (func $call (param "tool" string) (param "arguments" $json) (result $outcome)
    (canon lift (core func $guest-call) (memory $memory) (realloc $realloc)))
  (instance $tools
    (export "json" (type $json))
    (export "outcome" (type $outcome))
    (export "call" (func $call)))
  (export "portcullis:plugin/tools@0.1.0" (instance $tools))
)
