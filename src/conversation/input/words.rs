//! The vocabulary: what a single word can stand for, with its misspellings.
//!
//! One table, built once. A word may have several senses ("no" is a refusal and a short form of "nomor");
//! which one counts is for `phrases` to say. Words that are common names are left out on purpose.
//! A word is looked up as written, then without its clitic (-nya, -ku), then with repeated letters taken
//! together ("haloooo"), then, if it is long, for a slip of the finger in one of the words that matter most.

use std::collections::HashMap;
use std::sync::LazyLock;

#[allow(clippy::wildcard_imports)] // one table's names
use super::senses::*;

/// What a word can stand for. Nothing at all: an unknown word, a name perhaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sense {
    pub(super) bits: u64,
    /// A number word's value ("dua", "second"), else 0.
    pub(super) number: u8,
    /// A month's number, else 0.
    pub(super) month: u8,
}

impl Sense {
    pub(super) fn any(self, bits: u64) -> bool {
        self.bits & bits != 0
    }

    /// Whether it is a word of ours. Months are not: Mei, April and Juni are names.
    pub(super) fn is_known(self) -> bool {
        self.bits != 0 || self.number != 0
    }
}

#[rustfmt::skip]
const TABLE: &[(u64, &str)] = &[
    // Greetings, address, fillers.
    (SALAM, "assalamualaikum assalamu assalam asalamualaikum assalamualaykum asalamu aslm aslmkm askum asskum ass asw assalamualaikm assalammualaikum samlekum salamualaikum"),
    (FILLER | ID, "alaikum mualaikum wr wb warahmatullahi wabarakatuh warohmatullahi wabarokatuh warahmatullah"),
    (SWASTI | ID, "swastiastu swastyastu suastiastu swasti astu suastyastu"),
    (SHALOM, "shalom syalom salom sejahtera"),
    (GREET | FILLER | ID, "punten permisi misi pagi siang sore malam malem sugeng enjing enjang sonten dalu horas mulai kulonuwun sampurasun"),
    (GREET | FILLER, "halo hallo hallow helo hai hay hi hy hei hey p ping test tes testing start tabe tabik"),
    (GREET | FILLER | EN, "hello morning afternoon evening good there begin"),
    (GREET | FILLER | ID | NAMEABLE, "selamat slmt sugeng wilujeng salam"),
    (FILLER | RELATION, "pak bapak bpk bu ibu min mimin admin kak kaka kakak ka gan sis bro bang abang mas mbak mba om tante bos boss sir madam dok teh kang akang mister"),
    (FILLER | ID, "bentar sebentar ntar bntr sbntr tunggu"),
    (FILLER | PARTICLE, "oh eh em hm hmm wkwk wkwkwk haha hehe hihi o"),
    (PARTICLE, "nya usah dong donk sih deh nih kok lah kah yuk yah banget sekali banyak atas bantuannya infonya informasinya kerjasamanya much very so just you"),
    (PARTICLE | NAMEABLE, "kasih"),
    (FILLER | THANKS | YES, "ok oke okay okey okeh oks sip siap siyap baik baiklah sippp"),
    (THANKS | ID, "makasih makasi mksh mksih mks trims trimakasih terimakasih terimakasi trmksh nuhun suwun nuwun matur hatur tengkyu tengkiu syukron mauliate"),
    (THANKS, "tq tks thx"),
    (THANKS | EN, "thanks thank thankyou ty"),
    // Yes and no, also in regional languages.
    (YES | PARTICLE, "ya iya"),
    (YES, "y yo yoi yup yap yep yess"),
    (YES | ID, "nggih inggih enggih injih njih nggeh muhun sumuhun betul bener benar leres setuju lanjut lanjutkan boleh enya iyo olo tentu"),
    (YES | EN, "yes yeah correct right agree accept sure true"),
    (NO | ID, "tidak tdk gak ga nggak enggak engga ndak nda gk kagak ora mboten henteu teu ngga ogah jangan moal indak tak"),
    (NO | NOT | ID, "bukan bkn"),
    (NO | NOT | EN, "not wasnt isnt"),
    (NO | EN, "nope dont didnt disagree never havent"),
    (NO | NUMBER, "no"),
    (NO, "g"),
    (YET | ID, "belum blm blum belom durung"),
    (YET | EN, "yet"),
    // Wishes.
    (CERT | ID, "sertifikat sertipikat sertifkat sertivikat sertifikad setifikat sertipkat sertifikasi serifikat certifikat certipikat sertif"),
    (CERT, "sertificate certificat"),
    (CERT | EN, "certificate certificates"),
    (DOWNLOAD, "download donlod donlot donload donlud donwload dowload downlod downlot downloud donwlod dunlod downloadkan"),
    (DOWNLOAD | ID, "unduh unduhan mengunduh ngunduh undu donlotin donlodin mendownload ngedownload cetak"),
    (DOWNLOAD | EN, "downloading print"),
    (SEE | ID, "lihat liat liyat melihat ngecek cek mengecek periksa tengok ningali delok ndelok"),
    (SEE | EN, "check see view show"),
    (STATUS, "status setatus statu sttus setatusnya"),
    (STATUS | ID, "riwayat"),
    (STATUS | EN, "history"),
    (VACCINE | ID, "vaksin vaksinasi vaksinya paksin faksin pakcin imunisasi divaksin vaksinku"),
    (VACCINE | EN, "vaccine vaccination vaccines vaccinated"),
    (PAPER | SIM | ID, "kartu"),
    (PAPER | ID, "surat bukti"),
    (PAPER, "pdf file"),
    (PAPER | SIM | EN, "card"),
    (CHANGE | ID, "ubah rubah ganti mengubah merubah mengganti perbaiki perbaikan betulkan betulin benerin benarkan koreksi ralat pindah ubahin gantiin memperbaiki perubahan"),
    (CHANGE, "edit update"),
    (CHANGE | EN, "change correct fix changing updating"),
    (WRONG | NO | ID, "salah keliru"),
    (WRONG | ID, "beda berbeda"),
    (WRONG, "typo error"),
    (WRONG | EN, "wrong incorrect misspelled different"),
    (NAME | ID, "nama namanya nm"),
    (NAME | EN, "name names"),
    (NUMBER | ID, "nomor nomer nmr nomernya nomornya"),
    (NUMBER | EN, "number num"),
    (PHONE, "hp handphone hape wa whatsapp whatsap"),
    (PHONE | ID, "telepon telpon telp tlp tlpn ponsel henpon hpku"),
    (PHONE | EN, "phone mobile cellphone"),
    (SIM, "sim simcard"),
    (NIK, "nik nikk ktp kk"),
    (NIK | ID, "ktpku"),
    (BIRTH | ID, "tanggal tgl lahir alamat kelamin tempat ttl"),
    (BIRTH | EN, "birth date birthday address dob"),
    (DATA, "data info profil datanya"),
    (DATA | ID, "informasi diri biodata"),
    (DATA | EN, "information details profile personal"),
    (OLD | ID, "lama dulu dahulu"),
    (OLD | EN, "old previous former"),
    (DEAD | ID, "hangus mati terblokir diblokir kadaluarsa kadaluwarsa kedaluwarsa hangusnya"),
    (DEAD | EN, "dead expired inactive blocked lapsed"),
    (LOST | ID, "hilang ilang dicuri kecopetan kehilangan"),
    (LOST | EN, "lost stolen"),
    (ACTIVE | ID, "aktif aktip dipakai terpakai"),
    (ACTIVE | EN, "active working"),
    (DOSE | ID, "dosis suntikan suntik"),
    (DOSE | EN, "dose doses shot jab"),
    (BOOSTER, "booster buster boster bosster"),
    (ALL | ID, "semua semuanya seluruhnya keduanya ketiganya kabeh sadayana sedoyo"),
    (ALL | EN, "all both everything"),
    // Codes.
    (SEND | ID, "kirim kirimkan kirimin dikirim krm"),
    (SEND | EN, "send resend"),
    (AGAIN | ID, "ulang lagi ulangi"),
    (AGAIN | EN, "again resend"),
    (NEW | ID, "baru"),
    (NEW | EN, "new another"),
    (CODE, "otp kode sms kodenya otpnya"),
    (CODE | EN, "code"),
    (ARRIVE | ID, "masuk sampai sampe nyampe datang dateng terima menerima dapat dapet dpt muncul ada keluar terbit tiba"),
    (ARRIVE | EN, "received receive arrived come came got get found"),
    // Keywords.
    (MENU, "menu menunya mnu"),
    (BESIDE | ID, "utama awal kembali layanan halaman"),
    (BESIDE | EN, "main back home service"),
    (CANCEL | ID, "batal batalkan batalin dibatalkan gajadi gakjadi"),
    (CANCEL | EN, "cancel abort"),
    (TO_BECOME | ID, "jadi jd"),
    (HELP | ID, "bantuan bantu panduan caranya"),
    (HELP | EN, "help"),
    (HELP | WANT | ID, "tolong"),
    (OFFICER | ID, "petugas petugasnya manusia lapor melapor komplain"),
    (OFFICER, "operator cs"),
    (OFFICER | EN, "officer agent staff human person customer"),
    (BESIDE | ID, "bicara ngobrol hubungi hubungkan panggil bertanya tanya orang langsung sambungkan"),
    (BESIDE | EN, "talk speak contact live real"),
    (BESIDE, "chat"),
    (TICKET | ID, "tiket laporan laporanku aduan pengaduan"),
    (TICKET | EN, "ticket tickets report reports"),
    (FAMILY | ID, "keluarga kluarga keluargaku"),
    (FAMILY | EN, "family"),
    (BESIDE | ID, "anggota tambah"),
    (BESIDE | EN, "member members add"),
    (ENGLISH | ID, "inggris"),
    (ENGLISH, "english inglis"),
    (INDONESIAN, "indonesia indo"),
    (INDONESIAN | EN, "indonesian"),
    (BESIDE | INDONESIAN | ID, "bahasa basa"),
    (BESIDE | EN, "language"),
    (ERASE | ID, "hapus hapuskan menghapus"),
    (ERASE | EN, "delete erase remove"),
    (FINISH | ID, "selesai berhenti keluar udahan cukup akhiri tutup slesai kelar"),
    (FINISH, "stop"),
    (FINISH | EN, "finish done end exit quit finished close"),
    (BESIDE | ID, "sesi sudah udah sdh udh saja aja dulu sekarang skrg"),
    (BESIDE | EN, "session now"),
    // Small words.
    (ME | ID, "saya sy aku gua gue gw kami ane awak kulo kula"),
    (ME | EN, "i my me mine im"),
    (WANT | ID, "mau mo ingin pengen pingin pgn minta mohon butuh perlu ambil"),
    (WANT | EN, "need want please would like can could wish pls"),
    (LINK | ID, "ke di dari yang yg untuk utk dengan dgn dan bisa itu apa gimana bagaimana gmn kapan kenapa dimana atau sama ini adalah ialah mana cara pakai pake kalau kalo punya tahun thn bulan bln a n"),
    (LINK | EN, "the a an to for of with is it how do you your that in on was are this and or at am from what where month year"),
    (THIS | ID, "ini"),
    (THIS | EN, "this"),
    (OTHER | ID, "lain lainnya laen"),
    (OTHER | EN, "other another different"),
    (PICK | ID, "pilih pilihan pilihannya opsi angka"),
    (PICK | EN, "option choose choice"),
    (ORDINAL | ID, "ke"),
    (RELATION | ID, "anak istri suami ayah mama papa adik adek nenek kakek mertua orangtua"),
    (RELATION | EN, "wife husband son daughter mother father child"),
    (LABEL | ID, "lengkap adalah ialah atas berikut sesuai sebenarnya"),
    (LABEL | EN, "full is"),
];

#[rustfmt::skip]
const NUMBERS: &[(&str, u8)] = &[
    ("satu", 1), ("dua", 2), ("tiga", 3), ("empat", 4), ("lima", 5), ("enam", 6), ("tujuh", 7), ("delapan", 8),
    ("sembilan", 9), ("sepuluh", 10), ("siji", 1), ("loro", 2), ("telu", 3), ("papat", 4), ("hiji", 1), ("tilu", 3),
    ("one", 1), ("two", 2), ("three", 3), ("four", 4), ("five", 5), ("six", 6), ("seven", 7), ("eight", 8),
    ("nine", 9), ("ten", 10), ("pertama", 1), ("kesatu", 1), ("kedua", 2), ("ketiga", 3), ("keempat", 4), ("first", 1),
    ("second", 2), ("third", 3), ("fourth", 4), ("ii", 2), ("iii", 3),
    ("kelima", 5), ("keenam", 6), ("fifth", 5), ("setunggal", 1), ("kalih", 2), ("tigo", 3), ("duo", 2),
];

#[rustfmt::skip]
const MONTHS: [&str; 12] = [
    "januari january jan", "februari pebruari february feb peb", "maret march mar", "april apr", "mei may",
    "juni june jun", "juli july jul", "agustus august agust ags agt aug", "september sept sep", "oktober october okt oct",
    "november nopember nov nop", "desember december des dec",
];

/// Words worth a slip of the finger: long, unlike any name, and the door to what people came for.
const WORTH_A_SLIP: [&str; 13] = [
    "sertifikat",
    "certificate",
    "download",
    "vaksinasi",
    "vaccination",
    "status",
    "petugas",
    "keluarga",
    "bantuan",
    "selesai",
    "english",
    "berhenti",
    "laporan",
];

static WORDS: LazyLock<HashMap<&'static str, Sense>> = LazyLock::new(|| {
    let mut words: HashMap<&'static str, Sense> = HashMap::new();
    for (bits, group) in TABLE {
        for word in group.split(' ') {
            words.entry(word).or_default().bits |= bits;
        }
    }
    for (word, number) in NUMBERS {
        words.entry(word).or_default().number = *number;
    }
    for (month, group) in (1_u8..).zip(MONTHS) {
        for word in group.split(' ') {
            words.entry(word).or_default().month = month;
        }
    }
    words
});

/// What a word in lower case, without apostrophes, can stand for. `slips`: whether to forgive one.
pub(super) fn sense(word: &str, slips: bool) -> Sense {
    if let Some(sense) = WORDS.get(word) {
        return *sense;
    }
    for clitic in ["nya", "ku", "mu", "lah", "kah"] {
        if let Some(sense) = word.strip_suffix(clitic).filter(|base| base.len() > 2).and_then(|base| WORDS.get(base)) {
            return *sense;
        }
    }
    let mut single = String::with_capacity(word.len());
    for c in word.chars().filter(|c| c.is_alphabetic()) {
        if !single.ends_with(c) {
            single.push(c);
        }
    }
    if single.len() < word.len()
        && let Some(sense) = WORDS.get(single.as_str())
    {
        return *sense;
    }
    if slips && (6..=14).contains(&word.len()) { slip(word) } else { Sense::default() }
}

/// One edit away, two from nine letters on, with the same first letter.
fn slip(word: &str) -> Sense {
    let near = |target: &&&str| {
        let edits = if target.len() > 8 { 2 } else { 1 };
        target.as_bytes().first() == word.as_bytes().first()
            && target.len().abs_diff(word.len()) <= edits
            && strsim::osa_distance(target, word) <= edits
    };
    WORTH_A_SLIP.iter().find(near).and_then(|target| WORDS.get(*target)).copied().unwrap_or_default()
}
