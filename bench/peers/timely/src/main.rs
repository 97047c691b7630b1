//! J2x on timely-dataflow: two workers, each the source of half of the records, an exchange by key,
//! a running count and sum per key, and a sink that adds up the counts of all updates. Spoken to as
//! bench/lib/external.ts says: one line in, one JSON line out.
//!
//! With a million keys the hand-written table makes 10 M records per CPU-second, an FxHashMap 6.6;
//! with 1024 keys they are alike. Sources that make 2 or 16 thousand records per turn are alike.

use std::io::{BufRead, Write};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::Arc;
use std::time::Instant;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::generic::operator::source;
use timely::dataflow::operators::generic::Operator;

const WORKERS: i64 = 2;
/// Records that the source makes before the other operators get their turn.
const CHUNK: i64 = 16 * 1024;

/// Key, value, time. A tuple, because what is exchanged must have serde's traits.
type Record = (i32, i32, f64);
/// Key, count, sum.
type Update = (i32, i64, i64);

fn key_of(i: i64, keys: u32) -> i32 {
    let hash = (i as u32).wrapping_mul(0x9E37_79B1);
    (if keys == 1024 { hash >> 22 } else { hash % keys }) as i32
}

/// The hash that puts int32 keys into Flink's key groups.
fn murmur(key: i32) -> i32 {
    let mut code = key as u32;
    code = code.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    code = code.rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    code ^= 4;
    code = (code ^ (code >> 16)).wrapping_mul(0x85eb_ca6b);
    code = (code ^ (code >> 13)).wrapping_mul(0xc2b2_ae35);
    code ^= code >> 16;
    match code as i32 {
        i32::MIN => 0,
        signed => signed.abs(),
    }
}

/// Of 128 key groups the lower half belongs to worker 0.
fn owner_of(key: i32) -> u64 {
    ((murmur(key) as u32 & 127) >> 6) as u64
}

const NO_KEY: i32 = -1;

/// Count and sum per key: open addressing, half full at most. Keys are not negative.
struct Table {
    rows: Vec<Update>,
    used: usize,
}

impl Table {
    fn new() -> Self {
        Table { rows: vec![(NO_KEY, 0, 0); 1024], used: 0 }
    }

    /// Where `key` is, or else where it would be.
    #[inline(always)]
    fn position(&self, key: i32) -> usize {
        let mask = self.rows.len() - 1;
        let mut at = ((key as u32).wrapping_mul(0x9E37_79B1) >> 7) as usize & mask;
        while self.rows[at].0 != key && self.rows[at].0 != NO_KEY {
            at = (at + 1) & mask;
        }
        at
    }

    #[inline(always)]
    fn row_of(&mut self, key: i32) -> &mut Update {
        let at = self.position(key);
        if self.rows[at].0 == NO_KEY {
            return self.insert(key);
        }
        &mut self.rows[at]
    }

    #[cold]
    #[inline(never)]
    fn insert(&mut self, key: i32) -> &mut Update {
        if self.used * 2 >= self.rows.len() {
            let doubled = vec![(NO_KEY, 0, 0); self.rows.len() * 2];
            for row in std::mem::replace(&mut self.rows, doubled) {
                if row.0 != NO_KEY {
                    let at = self.position(row.0);
                    self.rows[at] = row;
                }
            }
        }
        self.used += 1;
        let at = self.position(key);
        self.rows[at] = (key, 0, 0);
        &mut self.rows[at]
    }
}

/// One round; returns updates and the sum of their counts.
fn run(records: i64, keys: u32) -> (i64, i64) {
    let updates = Arc::new(AtomicI64::new(0));
    let counts = Arc::new(AtomicI64::new(0));
    let totals = (updates.clone(), counts.clone());
    timely::execute(timely::Config::process(WORKERS as usize), move |worker| {
        let index = worker.index() as i64;
        let (updates, counts) = totals.clone();
        let mut next = records * index / WORKERS;
        let end = records * (index + 1) / WORKERS;
        worker.dataflow::<u64, _, _>(|scope| {
            let made = source::<_, CapacityContainerBuilder<Vec<Record>>, _, _>(
                scope,
                "Make",
                |capability, info| {
                    let activator = scope.activator_for(info.address);
                    let mut capability = Some(capability);
                    move |output| {
                        if let Some(held) = &capability {
                            let mut session = output.session(held);
                            let limit = end.min(next + CHUNK);
                            for i in next..limit {
                                session.give((key_of(i, keys), i as i32, (i / 100) as f64));
                            }
                            next = limit;
                        }
                        if next == end {
                            capability = None;
                        } else {
                            activator.activate();
                        }
                    }
                },
            );
            let counted = made.unary::<CapacityContainerBuilder<Vec<Update>>, _, _, _>(
                Exchange::new(|record: &Record| owner_of(record.0)),
                "Count",
                |_, _| {
                    let mut table = Table::new();
                    move |input, output| {
                        input.for_each(|time, data| {
                            let mut session = output.session(&time);
                            for record in data.drain(..) {
                                let state = table.row_of(record.0);
                                state.1 += 1;
                                state.2 += record.1 as i64;
                                session.give(*state);
                            }
                        });
                    }
                },
            );
            counted.sink(Pipeline, "Fold", move |(input, _frontier)| {
                input.for_each(|_, data| {
                    let folded: i64 = data.iter().map(|update| update.1).sum();
                    updates.fetch_add(data.len() as i64, Ordering::Relaxed);
                    counts.fetch_add(folded, Ordering::Relaxed);
                });
            });
        });
    })
    .expect("timely starts its workers");
    (updates.load(Ordering::SeqCst), counts.load(Ordering::SeqCst))
}

/// CPU-seconds of all threads, and the largest resident size in MB.
fn usage() -> (f64, f64) {
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    (seconds(usage.ru_utime) + seconds(usage.ru_stime), usage.ru_maxrss as f64 / 1024.0)
}

fn main() {
    let mut records = 20_000_000i64;
    let mut keys = 1024u32;
    let mut args = std::env::args().skip(1);
    while let (Some(name), Some(value)) = (args.next(), args.next()) {
        match name.as_str() {
            "--records" => records = value.parse().expect("--records is a number"),
            "--keys" => keys = value.parse().expect("--keys is a number"),
            "--job" => assert_eq!(value, "j2x", "this program runs j2x"),
            _ => panic!("unknown option {name}"),
        }
    }
    for line in std::io::stdin().lock().lines() {
        line.expect("standard input is text");
        let (cpu_before, _) = usage();
        let start = Instant::now();
        let (updates, counts) = run(records, keys);
        let seconds = start.elapsed().as_secs_f64();
        let (cpu, peak_rss_mb) = usage();
        println!(
            "{{\"seconds\":{seconds},\"cpuSeconds\":{},\"records\":{updates},\
             \"checksum\":\"{updates}/{counts}\",\"peakRssMb\":{peak_rss_mb}}}",
            cpu - cpu_before
        );
        std::io::stdout().flush().expect("standard output is open");
    }
}
