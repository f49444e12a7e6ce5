(module
  (import "packets" "memory" (memory 1))
;; The sum of `core/cast/word-sum.ts`: the words from $at to $end, in blocks of 32 bytes, keyed from $key on; left
;; at 0. The last block, if it is not whole, is copied to $rest, which has 32 bytes, and filled up with zeros there.
  (func (export "sum") (param $at i32) (param $end i32) (param $key i32) (param $rest i32)
    (local $sum i64) (local $whole i32) (local $to i32)
    (local.set $whole (i32.add (local.get $at)
      (i32.and (i32.sub (local.get $end) (local.get $at)) (i32.const -32))))
    (loop $blocks
      (loop $next
        (if (i32.lt_u (local.get $at) (local.get $whole)) (then
          (local.set $sum (i64.add (local.get $sum) (i64.mul
            (i64.extend_i32_u (i32.add (i32.load offset=0 (local.get $at)) (i32.load offset=0 (local.get $key))))
            (i64.extend_i32_u (i32.add (i32.load offset=4 (local.get $at)) (i32.load offset=4 (local.get $key)))))))
          (local.set $sum (i64.add (local.get $sum) (i64.mul
            (i64.extend_i32_u (i32.add (i32.load offset=8 (local.get $at)) (i32.load offset=8 (local.get $key))))
            (i64.extend_i32_u (i32.add (i32.load offset=12 (local.get $at)) (i32.load offset=12 (local.get $key)))))))
          (local.set $sum (i64.add (local.get $sum) (i64.mul
            (i64.extend_i32_u (i32.add (i32.load offset=16 (local.get $at)) (i32.load offset=16 (local.get $key))))
            (i64.extend_i32_u (i32.add (i32.load offset=20 (local.get $at)) (i32.load offset=20 (local.get $key)))))))
          (local.set $sum (i64.add (local.get $sum) (i64.mul
            (i64.extend_i32_u (i32.add (i32.load offset=24 (local.get $at)) (i32.load offset=24 (local.get $key))))
            (i64.extend_i32_u (i32.add (i32.load offset=28 (local.get $at)) (i32.load offset=28 (local.get $key)))))))
          (local.set $key (i32.add (local.get $key) (i32.const 32)))
          (local.set $at (i32.add (local.get $at) (i32.const 32)))
          (br $next))))
      (if (i32.lt_u (local.get $at) (local.get $end)) (then
        (i64.store offset=0 (local.get $rest) (i64.const 0))
        (i64.store offset=8 (local.get $rest) (i64.const 0))
        (i64.store offset=16 (local.get $rest) (i64.const 0))
        (i64.store offset=24 (local.get $rest) (i64.const 0))
        (local.set $to (local.get $rest))
        (loop $words
          (i32.store (local.get $to) (i32.load (local.get $at)))
          (local.set $to (i32.add (local.get $to) (i32.const 4)))
          (br_if $words
            (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4))) (local.get $end))))
        (local.set $at (local.get $rest))
        (local.set $whole (i32.add (local.get $rest) (i32.const 32)))
        (local.set $end (local.get $whole))
        (br $blocks))))
    (i64.store (i32.const 0) (local.get $sum))))
