;; A plugin that keeps what it is given and gives it back, asks a question, and does what it is told only when that was
;; confirmed. By hand, because what a person's things are to others is to be seen without any SDK between. The first letter
;; of a tool's name says what it does:
;;
;; put     the arguments under the key `k` of `box`, and as the file `f` of `disk`
;; drop    the arguments under the key `k` of `box`
;; get     the key `k` of `box`
;; read    the file `f` of `disk`
;; look    the key `k` of `board`
;; ask     whether the person agrees, with the state `mine`; then the state that came back
;; trap    an end that is no answer
;; wait    until somebody ends it
;; others  the text `done`
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

  (import "portcullis:plugin/kv@0.1.0" (instance $kv
    (type $error' (variant
      (case "not-granted" string) (case "needs-user" string) (case "bad-key" string) (case "over-quota" string)
      (case "unavailable" string)))
    (export "error" (type $error (eq $error')))
    (type $bytes (list u8))
    (type $found (result (option $bytes) (error $error)))
    (type $written (result (error $error)))
    (export "get" (func (param "capability" string) (param "key" string) (result $found)))
    (export "set" (func (param "capability" string) (param "key" string) (param "value" $bytes) (result $written)))))
  (import "portcullis:plugin/files@0.1.0" (instance $files
    (type $error' (variant
      (case "not-granted" string) (case "needs-user" string) (case "bad-name" string) (case "over-quota" string)
      (case "unavailable" string)))
    (export "error" (type $error (eq $error')))
    (type $bytes (list u8))
    (type $found (result (option $bytes) (error $error)))
    (type $written (result (error $error)))
    (export "read" (func (param "capability" string) (param "name" string) (result $found)))
    (export "write" (func (param "capability" string) (param "name" string) (param "data" $bytes) (result $written)))))
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
    (export "answered" (func (result $maybe-round)))))

  ;; The memory stands in a module of its own, because what the host is lowered with must be there before the guest is.
  (core module $memory-of-the-guest
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
      (local.get $start)))
  (core instance $room (instantiate $memory-of-the-guest))
  (alias core export $room "memory" (core memory $memory))
  (alias core export $room "cabi_realloc" (core func $realloc))

  (alias export $kv "get" (func $get'))
  (alias export $kv "set" (func $set'))
  (alias export $files "read" (func $read'))
  (alias export $files "write" (func $write'))
  (alias export $questions "answered" (func $answered'))
  (core func $get (canon lower (func $get') (memory $memory) (realloc $realloc)))
  (core func $set (canon lower (func $set') (memory $memory) (realloc $realloc)))
  (core func $read (canon lower (func $read') (memory $memory) (realloc $realloc)))
  (core func $write (canon lower (func $write') (memory $memory) (realloc $realloc)))
  (core func $answered (canon lower (func $answered') (memory $memory) (realloc $realloc)))

  (core module $guest
    (import "room" "memory" (memory 1))
    (import "host" "get" (func $get (param i32 i32 i32 i32 i32)))
    (import "host" "set" (func $set (param i32 i32 i32 i32 i32 i32 i32)))
    (import "host" "read" (func $read (param i32 i32 i32 i32 i32)))
    (import "host" "write" (func $write (param i32 i32 i32 i32 i32 i32 i32)))
    (import "host" "answered" (func $answered (param i32)))

    (data (i32.const 0x100) "box")
    (data (i32.const 0x110) "disk")
    (data (i32.const 0x120) "board")
    (data (i32.const 0x130) "k")
    (data (i32.const 0x140) "f")
    (data (i32.const 0x150) "nothing")
    (data (i32.const 0x160) "done")
    ;; What the host answers is put at 0x200, what the guest answers at 0x400 with one block of content at 0x430.
    ;; Another outcome, at 0x500: needs-input (2), one question, the state `mine`, no samplings and no roots.
    (data (i32.const 0x500) "\02\00\00\00" "\28\05\00\00" "\01\00\00\00" "\70\05\00\00" "\04\00\00\00")
    (data (i32.const 0x528) "\60\05\00\00" "\02\00\00\00" "\80\05\00\00" "\0b\00\00\00" "\a0\05\00\00" "\3a\00\00\00")
    (data (i32.const 0x560) "ok")
    (data (i32.const 0x570) "mine")
    (data (i32.const 0x580) "Is it good?")
    (data (i32.const 0x5a0) "{\"type\":\"object\",\"properties\":{\"good\":{\"type\":\"boolean\"}}}")

    ;; A finished call that says so much.
    (func $text (param $start i32) (param $length i32) (result i32)
      (i32.store (i32.const 0x400) (i32.const 0))
      (i32.store (i32.const 0x404) (i32.const 0x430))
      (i32.store (i32.const 0x408) (i32.const 1))
      (i32.store (i32.const 0x40c) (i32.const 0))
      (i32.store (i32.const 0x418) (i32.const 0))
      (i32.store (i32.const 0x430) (i32.const 0))
      (i32.store (i32.const 0x434) (local.get $start))
      (i32.store (i32.const 0x438) (local.get $length))
      (i32.const 0x400))

    ;; Ends the call when the host has refused.
    (func $granted
      (if (i32.load8_u (i32.const 0x200)) (then (unreachable))))

    ;; What the host has found.
    (func $found (result i32)
      (call $granted)
      (if (i32.load8_u (i32.const 0x204))
        (then (return (call $text (i32.load (i32.const 0x208)) (i32.load (i32.const 0x20c))))))
      (call $text (i32.const 0x150) (i32.const 7)))

    (func (export "call") (param $tool i32) (param $letters i32) (param $start i32) (param $length i32) (result i32)
      (local $first i32)
      (local.set $first (i32.load8_u (local.get $tool)))
      (if (i32.or (i32.eq (local.get $first) (i32.const 0x70)) (i32.eq (local.get $first) (i32.const 0x64)))
        (then
          (call $set (i32.const 0x100) (i32.const 3) (i32.const 0x130) (i32.const 1) (local.get $start) (local.get $length)
            (i32.const 0x200))
          (call $granted)))
      (if (i32.eq (local.get $first) (i32.const 0x70))
        (then
          (call $write (i32.const 0x110) (i32.const 4) (i32.const 0x140) (i32.const 1) (local.get $start)
            (local.get $length) (i32.const 0x200))
          (call $granted)))
      (if (i32.eq (local.get $first) (i32.const 0x67))
        (then
          (call $get (i32.const 0x100) (i32.const 3) (i32.const 0x130) (i32.const 1) (i32.const 0x200))
          (return (call $found))))
      (if (i32.eq (local.get $first) (i32.const 0x72))
        (then
          (call $read (i32.const 0x110) (i32.const 4) (i32.const 0x140) (i32.const 1) (i32.const 0x200))
          (return (call $found))))
      (if (i32.eq (local.get $first) (i32.const 0x6c))
        (then
          (call $get (i32.const 0x120) (i32.const 5) (i32.const 0x130) (i32.const 1) (i32.const 0x200))
          (return (call $found))))
      (if (i32.eq (local.get $first) (i32.const 0x61))
        (then
          (call $answered (i32.const 0x200))
          (if (i32.load8_u (i32.const 0x200))
            (then (return (call $text (i32.load (i32.const 0x204)) (i32.load (i32.const 0x208))))))
          (return (i32.const 0x500))))
      (if (i32.eq (local.get $first) (i32.const 0x74)) (then (unreachable)))
      (if (i32.eq (local.get $first) (i32.const 0x77)) (then (loop $ever (br $ever))))
      (call $text (i32.const 0x160) (i32.const 4))))

  (core instance $host
    (export "get" (func $get))
    (export "set" (func $set))
    (export "read" (func $read))
    (export "write" (func $write))
    (export "answered" (func $answered)))
  (core instance $guest (instantiate $guest (with "room" (instance $room)) (with "host" (instance $host))))
  (alias core export $guest "call" (core func $guest-call))
  (func $call (param "tool" string) (param "arguments" $json) (result $outcome)
    (canon lift (core func $guest-call) (memory $memory) (realloc $realloc)))
  (instance $tools
    (export "json" (type $json))
    (export "outcome" (type $outcome))
    (export "call" (func $call)))
  (export "portcullis:plugin/tools@0.1.0" (instance $tools))
)
