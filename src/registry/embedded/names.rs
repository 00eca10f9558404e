//! Names as they are borne across the islands: parts, and how they are put together.
//!
//! The people are invented, the customs are not: one-word names, names that carry the order of birth, clan
//! names handed down and names without any. What does not belong here: who is who (`population`).

use super::dice::Dice;

/// How a culture puts a name together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Custom {
    /// One word, or two given names; nothing is handed down.
    Given,
    /// Given names and the clan's or family's name, which children bear too.
    Clan,
    /// The order of birth first: I Wayan, Ni Made …
    BirthOrder,
}

/// Names of one part of the country.
#[derive(Debug)]
pub(super) struct Culture {
    custom: Custom,
    men: &'static [&'static str],
    women: &'static [&'static str],
    /// Second given names, or clans.
    second: &'static [&'static str],
}

/// By weight: a culture that stands here twice is met twice as often.
const CULTURES: [&Culture; 16] = [
    &JAVA, &JAVA, &JAVA, &JAVA, &SUNDA, &SUNDA, &MUSLIM, &MUSLIM, &BATAK, &MINANG, &BALI, &SULAWESI, &MINAHASA,
    &MALUKU, &TIMOR, &PAPUA,
];

const JAVA: Culture = Culture {
    custom: Custom::Given,
    men: &[
        "Slamet", "Suparman", "Tukiman", "Paijo", "Sugeng", "Bambang", "Joko", "Agus", "Budi", "Eko", "Dwi", "Tri",
        "Wahyu", "Heru", "Yulianto", "Purnomo", "Mulyono", "Hartono", "Widodo", "Suyatno", "Wagiman", "Kasiman",
    ],
    women: &[
        "Sumarni",
        "Suminah",
        "Tukinem",
        "Sri",
        "Endang",
        "Wahyuni",
        "Retno",
        "Dewi",
        "Ningsih",
        "Lestari",
        "Yuni",
        "Puji",
        "Rahayu",
        "Wulandari",
        "Sulastri",
        "Ngatini",
        "Painem",
        "Mulyani",
        "Tutik",
        "Kartini",
    ],
    second: &[
        "Prasetyo",
        "Santoso",
        "Wibowo",
        "Nugroho",
        "Setiawan",
        "Saputro",
        "Handoko",
        "Utomo",
        "Hidayati",
        "Astuti",
        "Handayani",
        "Susanti",
        "Widiastuti",
        "Kusumo",
        "Raharjo",
        "Susilo",
        "Wijayanti",
        "Purwanti",
        "Prabowo",
    ],
};

const SUNDA: Culture = Culture {
    custom: Custom::Given,
    men: &["Asep", "Ujang", "Cecep", "Dadang", "Deden", "Encep", "Jajang", "Maman", "Tatang", "Yayan", "Iwan", "Dede"],
    women: &["Euis", "Neneng", "Iis", "Cucu", "Imas", "Lilis", "Nining", "Yayah", "Enok", "Teti", "Ai", "Dedeh"],
    second: &[
        "Suryana",
        "Hidayat",
        "Supriatna",
        "Sutisna",
        "Kurnia",
        "Rohmat",
        "Sunarya",
        "Gumelar",
        "Rukmana",
        "Permana",
        "Komalasari",
        "Nurhayati",
        "Kurniasih",
        "Sumiati",
        "Rostika",
    ],
};

const MUSLIM: Culture = Culture {
    custom: Custom::Given,
    men: &[
        "Muhammad", "Ahmad", "Abdul", "Nur", "Ridwan", "Zulkifli", "Fauzan", "Ilham", "Rizky", "Yusuf", "Teuku",
        "Mohammad", "Lalu", "Hasan", "Ma'ruf", "Nu'man",
    ],
    women: &[
        "Siti", "Nurul", "Fatimah", "Aisyah", "Nur", "Khadijah", "Zahra", "Cut", "Baiq", "Laila", "Rahmah", "Halimah",
        "Maryam",
    ],
    second: &[
        "Rahman",
        "Hakim",
        "Fauzi",
        "Syafi'i",
        "Maulana",
        "Ramadhan",
        "Hidayatullah",
        "Aini",
        "Khasanah",
        "Fitriani",
        "Azizah",
        "Rahmawati",
        "Nurjanah",
        "Mukarramah",
        "Anwar",
        "Basri",
        "Iskandar",
        "Zain",
    ],
};

const BATAK: Culture = Culture {
    custom: Custom::Clan,
    men: &["Parlindungan", "Togar", "Sahat", "Poltak", "Jonter", "Binsar", "Hotman", "Marihot", "Tigor", "Daniel"],
    women: &["Rotua", "Tiur", "Lamria", "Sondang", "Duma", "Tiarma", "Masniari", "Ruth", "Ester", "Debora"],
    second: &[
        "Sitorus",
        "Simanjuntak",
        "Siregar",
        "Nasution",
        "Hutapea",
        "Panjaitan",
        "Sinaga",
        "Manurung",
        "Ginting",
        "Tarigan",
        "Purba",
        "Lubis",
        "Harahap",
        "Silalahi",
    ],
};

const MINANG: Culture = Culture {
    custom: Custom::Clan,
    men: &["Yusrizal", "Syafril", "Zulfahmi", "Arman", "Irwandi", "Rusdi", "Hendri", "Afrizal", "Nasrul"],
    women: &["Yulinar", "Asni", "Murniati", "Rosmaini", "Elvira", "Desmawati", "Nurbaiti", "Wirdayati"],
    second: &["Chaniago", "Piliang", "Koto", "Tanjung", "Sikumbang", "Guci", "Jambak", "Caniago"],
};

const BALI: Culture = Culture {
    custom: Custom::BirthOrder,
    men: &["Wayan", "Made", "Nyoman", "Ketut", "Putu", "Kadek", "Komang", "Gede"],
    women: &["Wayan", "Made", "Nyoman", "Ketut", "Putu", "Kadek", "Komang", "Luh"],
    second: &[
        "Suardana",
        "Sudarma",
        "Arta",
        "Widiana",
        "Suartini",
        "Astawa",
        "Sukerta",
        "Yasa",
        "Budiasa",
        "Puspayanti",
        "Sudiani",
        "Adnyana",
        "Parwata",
        "Merta",
    ],
};

const SULAWESI: Culture = Culture {
    custom: Custom::Given,
    men: &["Andi", "Baso", "Daeng", "Muh.", "Syamsul", "Ambo", "La Ode", "Tandi", "Arifuddin", "Sultan"],
    women: &["Andi", "Besse", "Hasnah", "Wa Ode", "Nurhaeda", "Rosmini", "Indo", "Sitti", "Hj. Ramlah"],
    second: &[
        "Makkasau",
        "Pallawa",
        "Tenri",
        "Mappanyukki",
        "Baharuddin",
        "Sompa",
        "Rante",
        "Pasang",
        "Tiro",
        "Arifin",
        "Nompo",
        "Sirua",
    ],
};

const MINAHASA: Culture = Culture {
    custom: Custom::Clan,
    men: &["Jefri", "Franky", "Stevan", "Denny", "Royke", "Hence", "Novry", "Jantje"],
    women: &["Meiske", "Olga", "Femmy", "Selvie", "Jeane", "Vonny", "Grace", "Treesje"],
    second: &["Wenas", "Tumewu", "Mandagi", "Rumengan", "Lumentut", "Pangkey", "Sondakh", "Kalalo", "Supit"],
};

const MALUKU: Culture = Culture {
    custom: Custom::Clan,
    men: &["Yopie", "Johanis", "Max", "Semuel", "Ampi", "Boby", "Elias", "Izaak"],
    women: &["Maria", "Dorkas", "Yosina", "Welmina", "Elsye", "Costansa", "Batseba", "Helena"],
    second: &["Wattimena", "Pattiasina", "Tuhumury", "Leatemia", "Sahetapy", "Lekatompessy", "Nanlohy", "Risakotta"],
};

const TIMOR: Culture = Culture {
    custom: Custom::Clan,
    men: &["Yohanes", "Fransiskus", "Petrus", "Markus", "Dominggus", "Antonius", "Stefanus", "Umbu"],
    women: &["Maria", "Yuliana", "Theresia", "Kristina", "Margaretha", "Rambu", "Agustina", "Paulina"],
    second: &["Nahak", "Bria", "Tefa", "Lamak", "Seran", "Manek", "Banunaek", "da Costa", "Riwu", "Ndolu"],
};

const PAPUA: Culture = Culture {
    custom: Custom::Clan,
    men: &["Yulius", "Markus", "Titus", "Benny", "Lukas", "Yance", "Otniel", "Festus"],
    women: &["Yakomina", "Orpa", "Novela", "Agustina", "Marice", "Dolfina", "Naomi", "Yuliana"],
    second: &["Mandacan", "Kogoya", "Wenda", "Rumbiak", "Kambu", "Wonda", "Wamafma", "Tabuni", "Yikwa", "Sroyer"],
};

impl Culture {
    pub(super) fn of(dice: &mut Dice) -> &'static Self {
        CULTURES[dice.below(CULTURES.len())]
    }

    /// What a household hands down.
    pub(super) fn handed_down(&self, dice: &mut Dice) -> &'static str {
        dice.pick(self.second)
    }

    /// A name. `place` is the place among brothers and sisters, which some customs name.
    pub(super) fn name(&self, dice: &mut Dice, woman: bool, handed_down: &str, place: usize) -> String {
        let given = if woman { self.women } else { self.men };
        match self.custom {
            Custom::Clan => format!("{} {handed_down}", dice.pick(given)),
            Custom::BirthOrder => {
                let (article, order) = (if woman { "Ni" } else { "I" }, given[place % given.len()]);
                format!("{article} {order} {}", dice.pick(self.second))
            }
            Custom::Given => {
                let first = dice.pick(given);
                // A part that is a title or a form of address is no name by itself.
                let alone = !first.contains([' ', '.']) && first.len() > 4 && dice.below(4) == 0;
                if alone { first.to_owned() } else { format!("{first} {}", dice.pick(self.second)) }
            }
        }
    }
}

/// The name as a hurried officer types it: one letter within it left out, or two neighbours swapped.
pub(super) fn mistyped(dice: &mut Dice, name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    // Inside a word, away from its first letter.
    let inner: Vec<usize> = (2..letters.len().saturating_sub(1))
        .filter(|at| letters[at - 1..=at + 1].iter().all(|letter| letter.is_alphabetic()))
        .filter(|at| letters[*at] != letters[at + 1])
        .collect();
    let Some(&at) = inner.get(dice.below(inner.len().max(1))) else { return name.to_owned() };
    let mut typed = letters;
    if dice.below(2) == 0 {
        typed.remove(at);
    } else {
        typed.swap(at, at + 1);
    }
    typed.into_iter().collect()
}
