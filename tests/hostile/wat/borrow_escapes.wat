;; Expected: trap. One component lends a handle to another, which keeps it: seen when the lender, which starts with this, is made (WX-24).
(component $owner
  (type $thing' (resource (rep i32)))
  (export $thing "thing" (type $thing'))
  (core func $new (canon resource.new $thing'))
  (core module $m
    (import "thing" "new" (func $new (param i32) (result i32)))
    (func (export "make") (result i32) (call $new (i32.const 7))))
  (core instance $m (instantiate $m (with "thing" (instance (export "new" (func $new))))))
  (func (export "make") (result (own $thing)) (canon lift (core func $m "make"))))
(instance $owner (instantiate $owner))
(alias export $owner "thing" (type $thing))
(component $keeper
  (import "thing" (type $thing (sub resource)))
  ;; It would have to drop what it was lent before it returns.
  (core module $m (func (export "keep") (param i32)))
  (core instance $m (instantiate $m))
  (func (export "keep") (param "thing" (borrow $thing)) (canon lift (core func $m "keep"))))
(instance $keeper (instantiate $keeper (with "thing" (type $thing))))
(component $lender
  (import "thing" (type $thing (sub resource)))
  (import "make" (func $make (result (own $thing))))
  (import "keep" (func $keep (param "thing" (borrow $thing))))
  (core func $make (canon lower (func $make)))
  (core func $keep (canon lower (func $keep)))
  (core module $m
    (import "thing" "make" (func $make (result i32)))
    (import "thing" "keep" (func $keep (param i32)))
    (func $start (call $keep (call $make)))
    (start $start))
  (core instance (instantiate $m (with "thing" (instance (export "make" (func $make)) (export "keep" (func $keep)))))))
(instance (instantiate $lender
  (with "thing" (type $thing)) (with "make" (func $owner "make")) (with "keep" (func $keeper "keep"))))
(core module $module
  (memory (export "memory") 1)
  (global $next (mut i32) (i32.const 32768))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $start i32)
    (local.set $start (global.get $next))
    (global.set $next (i32.and (i32.add (i32.add (local.get $start) (local.get 3)) (i32.const 7)) (i32.const -8)))
    (local.get $start))
  ;; done: one text, `x`.
  (data (i32.const 1024) "\00\00\00\00" "\30\04\00\00" "\01\00\00\00")
  (data (i32.const 0x430) "\00\00\00\00" "\70\04\00\00" "\01\00\00\00")
  (data (i32.const 0x470) "x")
  (func (export "call") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
(core instance $guest (instantiate $module))
(alias core export $guest "call" (core func $guest-call))
(alias core export $guest "memory" (core memory $memory))
(alias core export $guest "cabi_realloc" (core func $realloc))
(func $call (param "tool" string) (param "arguments" $json) (result $outcome)
  (canon lift (core func $guest-call) (memory $memory) (realloc $realloc)))
