#![no_std]
#![allow(dead_code, static_mut_refs)]
pub mod pmm {
    pub enum State { Free, Used(u32), Mapped { va: u64, pages: u16 } }
    #[derive(Clone, Copy, PartialEq)]
    pub enum Kind { Dma = 1, Normal = 200 }
    pub struct Zone {
        pub base: u64,
        pub name: &'static str,
        pub state: State,
        pub free: State,
        pub kind: Kind,
        pub next: Option<&'static Zone>,
        pub bounds: (u64, u16),
    }
    #[used]
    pub static ZONE: Zone = Zone {
        base: 0x4000, name: "dma", state: State::Mapped { va: 9, pages: 3 }, free: State::Free,
        kind: Kind::Normal, next: None, bounds: (7, 8),
    };
    #[used]
    pub static NEXT: Option<&'static Zone> = Some(&ZONE);
    #[used]
    pub static WIDE: u128 = (1 << 100) + 5;
    #[used]
    static FREE: u64 = 77;
    pub fn alloc(count: u64) -> u64 {
        #[used]
        static CALLS: u32 = 3;
        count + 1
    }
}
pub mod heap {
    #[used]
    static FREE: u64 = 78;
}
#[no_mangle]
#[used]
pub static COUNT: u32 = 5;
#[no_mangle]
pub extern "C" fn kmain() -> u64 { pmm::alloc(COUNT as u64) }
