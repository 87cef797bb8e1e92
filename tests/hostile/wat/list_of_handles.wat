;; Expected: host data, or trap. A million times the same handle in one list (WX-11).
(import "wasi:io/poll@0.2.0" (instance $poll
  (export "pollable" (type $pollable (sub resource)))
  (export "poll" (func (param "in" (list (borrow $pollable))) (result (list u32))))))
(alias export $poll "pollable" (type $pollable))
(import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
  (alias outer 1 $pollable (type $p))
  (export "pollable" (type $q (eq $p)))
  (export "subscribe-duration" (func (param "when" u64) (result (own $q))))))
(core func $alarm (canon lower (func $clock "subscribe-duration")))
;; What a list needs is there before the module that calls: memory and realloc are in one of their own.
(core module $room
  (memory (export "memory") 250)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0x80_0000)))
(core instance $room (instantiate $room))
(alias core export $room "memory" (core memory $shared))
(alias core export $room "cabi_realloc" (core func $make-room))
(core func $poll-list (canon lower (func $poll "poll") (memory $shared) (realloc $make-room)))
(core module $module
  (import "host" "alarm" (func $alarm (param i64) (result i32)))
  (import "host" "poll" (func $poll (param i32 i32 i32)))
  (import "room" "memory" (memory 250))
  (func $fill (param $handle i32)
    (local $n i32)
    (loop $again
      (i32.store (i32.shl (local.get $n) (i32.const 2)) (local.get $handle))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $n) (i32.const 1000000)))))
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (call $fill (call $alarm (i64.const 0)))
    (call $poll (i32.const 0) (i32.const 1000000) (i32.const 0x70_0000))
    (i32.const 0x70_1000)))
(core instance $guest (instantiate $module
  (with "room" (instance $room))
  (with "host" (instance (export "alarm" (func $alarm)) (export "poll" (func $poll-list))))))
(alias core export $guest "call" (core func $guest-call))
(func $call (param "tool" string) (param "arguments" $json) (result $outcome)
  (canon lift (core func $guest-call) (memory $shared) (realloc $make-room)))
