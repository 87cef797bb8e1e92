;; Expected: host data. A thousand images share one mebibyte of bytes (WX-11, WX-22).
(core module $module
  (memory (export "memory") 32)
  (global $next (mut i32) (i32.const 32768))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $start i32)
    (local.set $start (global.get $next))
    (global.set $next (i32.and (i32.add (i32.add (local.get $start) (local.get 3)) (i32.const 7)) (i32.const -8)))
    (local.get $start))
  ;; done: 1000 blocks from 0x8_0000 on.
  (data (i32.const 1024) "\00\00\00\00" "\00\00\08\00" "\e8\03\00\00")
  (func $fill
    (local $n i32)
    (loop $again
      (i32.store offset=0x8_0000 (i32.shl (local.get $n) (i32.const 5)) (i32.const 1))
      (i32.store offset=0x8_0004 (i32.shl (local.get $n) (i32.const 5)) (i32.const 0x10_0000))
      (i32.store offset=0x8_0008 (i32.shl (local.get $n) (i32.const 5)) (i32.const 0x10_0000))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $n) (i32.const 1000)))))
  (func (export "call") (param i32 i32 i32 i32) (result i32) (call $fill) (i32.const 1024)))
(core instance $guest (instantiate $module))
(alias core export $guest "call" (core func $guest-call))
(alias core export $guest "memory" (core memory $memory))
(alias core export $guest "cabi_realloc" (core func $realloc))
(func $call (param "tool" string) (param "arguments" $json) (result $outcome)
  (canon lift (core func $guest-call) (memory $memory) (realloc $realloc)))
