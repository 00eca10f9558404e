# Every sentence of the service in Indonesian. en.ftl holds the same keys.
#
# Keys and their arguments are a closed table (src/conversation/text/table.rs). At start each is written out
# with its longest arguments and checked against Meta's limits: a key that is missing, unknown or too long
# stops the start with the list of all faults.

# The name of the ministry's app.
-app = PeduliLindungi

# --- Days and clocks -----------------------------------------------------------------------------------
month = { $n ->
    [1] Januari
    [2] Februari
    [3] Maret
    [4] April
    [5] Mei
    [6] Juni
    [7] Juli
    [8] Agustus
    [9] September
    [10] Oktober
    [11] November
   *[12] Desember
}
weekday = { $n ->
    [1] Senin
    [2] Selasa
    [3] Rabu
    [4] Kamis
    [5] Jumat
    [6] Sabtu
   *[7] Minggu
}
date = { $day } { $month } { $year }
weekday_date = { $weekday }, { $date }

# --- Before another sentence ----------------------------------------------------------------------------
reply_salam = Waalaikumsalam.
reply_om = Om Swastiastu.
reply_shalom = Salam sejahtera.
sorry_wait = Maaf menunggu.
back = Maaf, layanan sempat terganggu dan pesan Anda baru kami terima. Sekarang sudah pulih.
verified = Verifikasi berhasil.
photo_first = Maaf, foto tidak kami buka dan tidak kami simpan.
voice_first = Maaf, pesan suara belum dapat kami dengarkan.
dose_absent = Sertifikat dosis { $n } belum ada.
officer = Laporan diperiksa petugas dalam 72 jam, jawabannya lewat chat ini.
erase_kept = Baik, tidak ada yang dihapus.
change_late = Waktu untuk mengubah data sudah habis.
got_phone = Itu nomor ponsel.
got_nik = Itu NIK.
got_code = Itu seperti kode 6 angka.

# --- Greeting, consent, end -----------------------------------------------------------------------------
greeting =
    Selamat datang di layanan sertifikat vaksinasi Kementerian Kesehatan RI: otomatis, gratis, 24 jam.

    Di sini Anda dapat mengunduh sertifikat, melihat status vaksinasi, dan mengubah info diri. Nomor telepon, nama, dan NIK hanya dipakai untuk mencocokkan data vaksinasi.

    Jika setuju, pilih nomor yang terdaftar di { -app }. Nomor WhatsApp ini berakhiran { $ending }.
greeting_typed =
    Selamat datang di layanan sertifikat vaksinasi Kementerian Kesehatan RI: otomatis, gratis, 24 jam.

    Di sini Anda dapat mengunduh sertifikat, melihat status vaksinasi, dan mengubah info diri. Nomor telepon, nama, dan NIK hanya dipakai untuk mencocokkan data vaksinasi.

    Jika setuju, tulis nomor ponsel Indonesia yang terdaftar di { -app }, contoh 0812xxxxxxxx. Reply ENGLISH for English.
greeting_footer = Reply ENGLISH for English
consent_again = Jika setuju, pilih nomor yang terdaftar di { -app }. Nomor WhatsApp ini berakhiran { $ending }.
consent_again_typed = Jika setuju, tulis nomor ponsel Indonesia yang terdaftar di { -app }, contoh 0812xxxxxxxx.
consent_no = Baik, tidak kami lanjutkan. Data vaksinasi Anda tidak kami buka. Kirim pesan kapan saja bila berubah pikiran.
expired = Sesi sebelumnya sudah ditutup demi keamanan data. Untuk melanjutkan, kami kirim kode OTP baru ke nomor berakhiran { $ending }?
gone = Sesi Anda sudah diakhiri. Untuk melanjutkan, verifikasi nomor sekali lagi.
gone_typed = Sesi Anda sudah diakhiri. Untuk melanjutkan, tulis nomor ponsel yang terdaftar di { -app }, contoh 0812xxxxxxxx.
bye = Terima kasih, semoga sehat selalu. Demi keamanan, hapus pesan berisi NIK dari chat ini, terutama bila ponsel dipakai bersama.

# --- Number and code ------------------------------------------------------------------------------------
not_registered = Nomor WhatsApp ini belum terdaftar di { -app }. Tulis nomor ponsel lain yang Anda berikan saat vaksinasi, contoh 0812xxxxxxxx.
ask_phone = Tulis nomor ponsel yang terdaftar di { -app }, contoh 0812xxxxxxxx.
never_registered = Nomor ponsel didaftarkan oleh tempat vaksinasi. Bila Anda sudah divaksin, tulis nomor yang Anda berikan saat itu, atau kirim laporan agar diperiksa petugas.
phone_bad = Itu belum seperti nomor ponsel Indonesia. Tulis seperti ini: 0812xxxxxxxx.
phone_landline = Itu tampaknya telepon rumah, tidak dapat menerima SMS. Mohon tulis nomor ponsel.
otp_sent = Kode OTP 6 angka kami kirim lewat SMS ke nomor berakhiran { $ending }. Tulis kodenya di chat ini dalam 5 menit. Jangan berikan kepada siapa pun, termasuk yang mengaku petugas.
otp_maybe = Jika nomor berakhiran { $ending } terdaftar, kode OTP 6 angka segera tiba lewat SMS di nomor itu. Tulis kodenya di chat ini dalam 5 menit. Jangan berikan kepada siapa pun, termasuk yang mengaku petugas.
otp_resent = Kode baru kami kirim lewat SMS ke nomor berakhiran { $ending }. Kode lama tidak berlaku lagi.
otp_resent_maybe = Jika nomor berakhiran { $ending } terdaftar, kode baru segera tiba lewat SMS. Kode lama tidak berlaku lagi.
otp_wrong = Kode belum sesuai. Sisa { $n } kesempatan. Mohon periksa SMS yang terakhir.
otp_expired = Kode itu sudah tidak berlaku. Minta kode baru, lalu tulis di sini.
otp_delivered = Menurut operator, SMS berisi kode sudah diterima ponsel dengan nomor berakhiran { $ending }. Mohon periksa kotak SMS ponsel itu, juga folder spam, lalu tulis 6 angka kodenya di sini. Bila tetap tidak ada, pilih Kirim ulang.
otp_wait = Kode baru dapat diminta { $n } detik lagi. Mohon tunggu sebentar; kode yang sudah dikirim masih berlaku.
otp_wait_used = Kode baru dapat diminta { $n } detik lagi. Mohon tunggu sebentar.
otp_wait_long = Kode baru dapat diminta { $n } menit lagi, pukul { $wib } WIB ({ $wita } WITA, { $wit } WIT). Kode yang sudah dikirim tetap dapat ditulis selama masih berlaku.
messages_fence = Pesan Anda terlalu banyak dalam satu menit; sebagian tidak kami baca. Mohon tunggu satu menit, lalu tulis lagi.
sessions_fence = Percakapan baru dapat dimulai { $n } menit lagi, pukul { $wib } WIB ({ $wita } WITA, { $wit } WIT), karena percakapan dari chat ini sudah terlalu sering dimulai.
otp_help =
    Kode bisa belum tiba karena:
    1. nomor salah ketik; periksa yang Anda tulis di atas
    2. sinyal lemah, kartu tidak aktif, atau kotak SMS penuh
    3. nomor itu belum terdaftar, misalnya karena data belum dimasukkan oleh tempat vaksinasi.
locked = Demi keamanan, percobaan dihentikan sementara. Silakan coba lagi { $n } menit lagi, pukul { $wib } WIB ({ $wita } WITA, { $wit } WIT). Perlu bantuan? Balas PETUGAS.
step_up = Satu langkah lagi demi keamanan: tulis bulan dan tahun vaksinasi terakhir, contoh: Juli 2021.
step_up_wrong = Belum sesuai. Sisa { $n } kesempatan. Tulis bulan dan tahun vaksinasi terakhir, contoh: Juli 2021.

# --- Menu -----------------------------------------------------------------------------------------------
menu =
    Silakan pilih:
    1. Download Sertifikat
    2. Status Vaksinasi
    3. Ubah Info Diri
menu_footer = Masalah lain: PETUGAS. Mengakhiri: SELESAI.

# --- Who it is ------------------------------------------------------------------------------------------
ask_person = Tulis nama lengkap (tanpa gelar) dan 16 angka NIK dalam satu pesan. Boleh juga nama dahulu, lalu NIK. Untuk anak, orang tua atau wali menuliskan data anak.
ask_person_download = Untuk mengunduh sertifikat, tulis nama lengkap (tanpa gelar) dan 16 angka NIK dalam satu pesan. Balas MENU untuk layanan lain.
ask_person_status = Untuk melihat status vaksinasi, tulis nama lengkap (tanpa gelar) dan 16 angka NIK dalam satu pesan. Balas MENU untuk layanan lain.
ask_person_change = Untuk mengubah info diri, tulis nama lengkap (tanpa gelar) dan 16 angka NIK dalam satu pesan. Balas MENU untuk layanan lain.
ask_nik = Terima kasih. Sekarang tulis 16 angka NIK sesuai KTP atau Kartu Keluarga.
ask_name = Terima kasih. Sekarang tulis nama lengkap (tanpa gelar).
nik_len = NIK terdiri dari 16 angka, yang kami terima { $n }. Mohon periksa kembali, lalu tulis lagi.
nik_form = NIK itu sepertinya keliru. Mohon cocokkan dengan KTP atau Kartu Keluarga.
miss = Nama dan NIK itu belum cocok dengan data di nomor berakhiran { $ending }. Coba ejaan nama seperti pada kartu vaksin. Sisa { $n } kesempatan.

# --- Family ---------------------------------------------------------------------------------------------
ask_family = Tulis nama lengkap dan 16 angka NIK anggota keluarga yang terdaftar di nomor ini. Boleh beberapa orang sekaligus, satu baris satu orang.
family_result =
    Hasil untuk { $n } orang:
    { $lines }
family_result_misses =
    Hasil untuk { $n } orang:
    { $lines }
    Sisa { $left } kesempatan.
family_too_many = Paling banyak { $n } orang dalam satu pesan. Mohon tulis lagi, satu baris satu orang.
family_sent = { $name }: dosis { $dose } terkirim
family_doses = { $name }: dosis { $dose } tercatat
family_miss = { $name }: nama dan NIK belum cocok
family_none = { $name }: belum ada catatan vaksinasi
family_pending = { $name }: sertifikat masih diproses
family_nik_len = { $name }: NIK terdiri dari 16 angka, yang kami terima { $n }
family_nik_form = { $name }: NIK sepertinya keliru
family_unread = Baris { $n }: nama atau NIK belum terbaca

# --- Certificate and status -----------------------------------------------------------------------------
pick_dose =
    Ada { $n } sertifikat. Pilih yang ingin diunduh:
    { $lines }
    Balas SEMUA untuk { $n ->
        [2] keduanya
       *[other] semuanya
    }.
pick_dose_one =
    Ada { $n } sertifikat. Pilih yang ingin diunduh:
    { $lines }
dose_line = Dosis { $dose }, { $date }
caption_short = Sertifikat vaksinasi dosis { $dose } a.n. { $name }. Berisi data pribadi; mohon tidak diunggah ke media sosial.
caption =
    Sertifikat vaksinasi dosis { $dose } a.n. { $name }. Berisi data pribadi; mohon tidak diunggah ke media sosial.
    Balas KELUARGA untuk anggota keluarga, MENU untuk layanan lain, atau SELESAI.
file_name = Sertifikat-Vaksinasi-Dosis-{ $dose }.pdf
not_recorded = Kami belum menemukan catatan vaksinasi a.n. { $name }. Bila vaksinasi kurang dari 7 hari, mohon ditunggu. Bila lebih, hubungi tempat vaksinasi agar datanya dimasukkan, atau kirim laporan. Vaksinasi di luar negeri? Pilih Kirim laporan.
not_issued = Vaksinasi { $date } sudah tercatat, sertifikat masih diproses (biasanya paling lama 7 hari). Ingin kami kabari lewat WhatsApp bila sudah terbit?
watch_yes = Baik. Bila sudah terbit, kami kirim satu pesan ke nomor ini, tanpa menyebut data kesehatan. Balas MENU untuk layanan lain atau SELESAI.
watch_done = Kabar yang Anda tunggu sudah ada. Balas MENU untuk membukanya.
status =
    Status vaksinasi a.n. { $name }:
    { $lines }
status_pending =
    Status vaksinasi a.n. { $name }:
    { $lines }
    Ingin kami kabari lewat WhatsApp bila sudah terbit?
status_dose = Dosis { $dose }: { $date }, { $vaccine }
status_none = Dosis { $dose }: belum tercatat
status_issued = Dosis { $dose }: { $date }, sertifikat terbit
status_waiting = Dosis { $dose }: { $date }, sudah tercatat, sertifikat masih diproses (biasanya paling lama 7 hari).

# --- Changes --------------------------------------------------------------------------------------------
fresh_otp = Sebelum mengubah data, kami pastikan sekali lagi. Kode OTP baru kami kirim lewat SMS ke nomor berakhiran { $ending }. Tulis kodenya di chat ini.
pick_change =
    Data apa yang ingin diubah?
    1. Nama
    2. Nomor telepon
    3. NIK atau data lain (diperiksa petugas)
ask_new_name = Tulis nama lengkap persis seperti di KTP. Untuk anak, seperti di KIA atau Kartu Keluarga.
name_bad = Nama hanya berisi huruf, spasi, dan tanda baca nama, paling panjang 60 huruf. Mohon tulis lagi.
confirm_name =
    Nama pada sertifikat akan menjadi:
    { $name }
    Sudah benar?
name_done = Nama sudah diperbarui saat ini juga. Sertifikat dengan nama lama tidak berlaku lagi; silakan unduh yang baru.
name_ticket = Perubahan ini perlu diperiksa petugas. Nomor laporan { $ticket }, selesai paling lambat { $day } pukul { $clock } WIB. Nama yang sekarang tetap berlaku. Balas TIKET untuk melihat perkembangannya.
ask_new_phone = Tulis nomor ponsel baru. Kode OTP akan kami kirim ke nomor itu. Yang dipindahkan hanya data a.n. { $name }; anggota keluarga lain tetap di nomor lama.
phone_same = Itu nomor yang sekarang terdaftar. Mohon tulis nomor ponsel yang baru.
phone_full = Nomor itu sudah dipakai enam orang. Mohon tulis nomor ponsel lain.
phone_done = Nomor terdaftar a.n. { $name } sudah diganti saat ini juga ke nomor berakhiran { $ending }. Nomor lama dapat membatalkannya selama 72 jam.
changes_shut = Demi keamanan, perubahan data pada nomor ini ditahan sampai { $day } pukul { $clock } WIB. Layanan lain tetap dapat dipakai.
change_weak = Perubahan data hanya dapat dibuka dengan kode dari SMS. Download Sertifikat dan Status Vaksinasi tetap dapat dipakai.
undo_ask = Untuk membatalkan perubahan yang bukan dari Anda, tulis BUKAN SAYA dan 8 angka dari SMS kami, contoh: BUKAN SAYA 1234-5678.
undone = Terima kasih sudah memberi tahu. Perubahan nomor kami batalkan, semua sesi kami akhiri, dan perubahan data pada akun itu ditahan 24 jam. Nomor laporan { $ticket }; petugas memeriksa paling lambat { $day } pukul { $clock } WIB.
undone_name = Terima kasih sudah memberi tahu. Perubahan nama kami batalkan, semua sesi kami akhiri, dan perubahan data pada akun itu ditahan 24 jam. Nomor laporan { $ticket }; petugas memeriksa paling lambat { $day } pukul { $clock } WIB.
undo_unknown = Kode itu tidak kami kenali atau sudah lewat 72 jam. Mohon periksa SMS kami. Sisa { $n } kesempatan hari ini.
undo_stopped = Kode pembatalan sudah terlalu sering dicoba dari chat ini. Silakan coba lagi besok, atau balas PETUGAS.

# --- Reports --------------------------------------------------------------------------------------------
ticket_kind = Apa masalahnya?
ticket_where = Tulis di mana dan kapan Anda divaksin, contoh: Puskesmas Melati, Juli 2021. Mohon jangan kirim foto KTP.
ticket_what = Tulis masalahnya dengan singkat, juga di mana dan kapan Anda divaksin. Mohon jangan kirim foto KTP.
ticket_filed = Laporan diterima. Nomor laporan { $ticket }. Petugas memeriksa paling lambat { $day } pukul { $clock } WIB dan menjawab di chat ini. Balas TIKET untuk melihat perkembangannya.
lost_ask = Kami bantu lewat petugas. Jika Anda setuju datanya dipakai untuk pemeriksaan, tulis nomor lama, nama lengkap, dan 16 angka NIK dalam satu pesan.
lost_more = Terima kasih. Masih diperlukan { $want }.
lost_phone = Sekarang tulis nomor ponsel baru Anda, contoh 0812xxxxxxxx. Kode OTP kami kirim ke nomor itu.
lost_same = Itu nomor lama. Mohon tulis nomor ponsel baru Anda.
lost_code = Kode OTP 6 angka kami kirim lewat SMS ke nomor berakhiran { $ending }, agar petugas tahu nomor baru ini milik Anda. Tulis kodenya di chat ini.
lost_filed = Laporan diterima. Nomor laporan { $ticket }. Petugas mencocokkan identitas paling lambat { $day } pukul { $clock } WIB, lalu menjawab di chat ini. Demi keamanan, nomor baru berlaku 24 jam setelah disetujui.
ticket_none = Belum ada laporan dari chat ini.
ticket_unknown = Laporan itu tidak ada di chat ini. Mohon periksa nomornya.
ticket_waits = Laporan { $ticket }: sudah diterima, menunggu petugas. Batas waktu { $day } pukul { $clock } WIB.
ticket_in_work = Laporan { $ticket }: sedang dikerjakan petugas sejak { $since_day } pukul { $since_clock } WIB. Batas waktu { $day } pukul { $clock } WIB.
ticket_asks = Laporan { $ticket }, petugas bertanya { $since_day } pukul { $since_clock } WIB: { $words } Pilih Tambah keterangan, lalu tulis jawabannya.
ticket_answered = Laporan { $ticket }, dijawab { $since_day } pukul { $since_clock } WIB: { $words } Bila belum sesuai, pilih Belum selesai.
ticket_closed = Laporan { $ticket }: selesai dan ditutup { $since_day } pukul { $since_clock } WIB.
ticket_reopened_at = Laporan { $ticket }: dibuka kembali { $since_day } pukul { $since_clock } WIB. Batas waktu { $day } pukul { $clock } WIB.
ticket_others = Laporan lain: { $tickets }. Balas TIKET dan nomornya.
ask_words = Tulis keterangan tambahan untuk laporan { $ticket }. Mohon jangan kirim foto KTP.
words_added = Keterangan sudah ditambahkan ke laporan { $ticket }. Balas TIKET untuk melihat perkembangannya.
reopened = Laporan { $ticket } dibuka kembali dan diteruskan ke petugas yang sama. Tulis apa yang belum sesuai.
ticket_done = Laporan { $ticket } selesai: { $words } Bila belum sesuai, pilih Belum selesai.
ticket_question = Petugas bertanya tentang laporan { $ticket }: { $words } Pilih Tambah keterangan, lalu tulis jawabannya.
ticket_news = Ada kabar untuk laporan { $ticket }. Balas TIKET.

# --- Anywhere -------------------------------------------------------------------------------------------
help =
    Pilih topik, atau tulis kata ini kapan saja: MENU, BATAL, KIRIM ULANG, KELUARGA, TIKET, PETUGAS, ENGLISH, HAPUS DATA, SELESAI.

    Pesan Anda terenkripsi dari ponsel sampai layanan bisnis WhatsApp yang dijalankan Meta, lalu diteruskan ke server Kementerian Kesehatan. Karena itu NIK lengkap tidak pernah kami tulis. Petugas tidak pernah meminta kode OTP.
not_understood = Maaf, kami belum paham. Mohon tulis { $want }. Balas MENU atau BANTUAN.
please_write = Mohon tulis { $want }.
need_now = Yang kami perlukan sekarang { $want }.
voice = Maaf, pesan suara belum dapat kami dengarkan. Mohon ditulis: { $want }. Bila sulit menulis, minta bantuan keluarga atau petugas puskesmas.
photo = Maaf, foto tidak kami buka dan tidak kami simpan. Bila itu foto KTP, mohon hapus dari chat ini. Cukup tulis { $want }.
unreadable = Maaf, pesan jenis itu belum dapat kami baca. Mohon tulis { $want }.
still_trying = Masih kami usahakan. Permintaan Anda tersimpan; tidak perlu mengirim ulang.
registry_down = Data vaksinasi sedang tidak dapat diakses. Permintaan Anda kami simpan dan kami jawab begitu pulih; tidak perlu mengirim ulang.
service_down = Layanan itu sedang tidak dapat diakses. Permintaan Anda kami simpan dan kami jawab begitu pulih; tidak perlu mengirim ulang.
gave_up = Maaf, permintaan Anda belum dapat kami selesaikan. Demi keamanan data, sesi kami tutup. Silakan kirim pesan lagi nanti.
erase_ask = Hapus data percakapan Anda? Pembatasan keamanan dan laporan yang masih dikerjakan tetap kami simpan sampai selesai.
erased = Data percakapan Anda sudah dihapus dari sistem kami. Catatan vaksinasi, catatan keamanan, dan laporan yang masih dikerjakan tetap disimpan sesuai ketentuan. Pesan di ponsel Anda perlu dihapus sendiri.
busy = Layanan sedang ramai. Anda di urutan { $place }, giliran Anda sekitar { $n } menit lagi; tidak perlu mengirim ulang.
room_full = Layanan sedang sangat ramai dan pesan Anda belum dapat kami simpan. Mohon kirim lagi sekitar { $n } menit lagi.
trouble = Maaf, pesan terakhir belum dapat kami proses. Mohon tulis sekali lagi, atau balas MENU.

# --- What we ask for, as it stands within another sentence ------------------------------------------------
want_consent = pilihan Anda: Setuju, nomor ini; Setuju, nomor lain; atau Tidak setuju
want_phone = nomor ponsel yang terdaftar, contoh 0812xxxxxxxx
want_code = 6 angka kode dari SMS
want_month = bulan dan tahun vaksinasi terakhir, contoh: Juli 2021
want_menu = pilihan Anda: Download Sertifikat, Status Vaksinasi, atau Ubah Info Diri
want_person = nama lengkap dan 16 angka NIK
want_nik = 16 angka NIK
want_name = nama lengkap
want_dose = nomor dosis yang ingin diunduh
want_change = pilihan Anda: Nama, Nomor telepon, atau NIK dan data lain
want_new_name = nama lengkap persis seperti di KTP
want_new_phone = nomor ponsel baru, contoh 0812xxxxxxxx
want_kind = nomor atau nama masalah dari daftar
want_detail = keterangan Anda
want_lost = nomor lama, nama lengkap, dan 16 angka NIK
want_old_phone = nomor lama
you = Anda
want_choice = salah satu pilihan pada pesan terakhir kami

# --- Buttons (20 characters) and list rows (24) -----------------------------------------------------------
b_agree_this = Setuju, nomor ini
b_agree_other = Setuju, nomor lain
b_disagree = Tidak setuju
b_no_code = Belum terima kode
b_change_number = Ganti nomor
b_resend = Kirim ulang
b_old_number_lost = Nomor lama hilang
b_never_registered = Belum pernah daftar
b_send_code = Ya, kirim kode
b_other_number = Nomor lain
b_download = Download Sertifikat
b_status = Status Vaksinasi
b_change = Ubah Info Diri
b_retry = Coba lagi
b_data_wrong = Data saya salah
b_menu = Menu
b_finish = Selesai
b_dose = Dosis { $dose }
b_family = Anggota keluarga
b_send_report = Kirim laporan
b_watch_yes = Ya, kabari saya
b_cancel = Batal
b_name_right = Benar
b_name_again = Perbaiki
b_pick_name = Nama
b_pick_phone = Nomor telepon
b_pick_other = NIK atau data lain
b_erase_yes = Ya, hapus
b_erase = Hapus data
b_add_words = Tambah keterangan
b_not_done = Belum selesai
b_reports = Laporan saya
open_kinds = Pilih masalah
open_topics = Pilih topik
open_doses = Pilih dosis
kind_certificate_missing = Sertifikat belum ada
kind_nik_used = NIK dipakai orang lain
kind_nik_wrong = NIK salah catat
kind_birth_date = Tanggal lahir salah
kind_dose = Dosis/vaksin salah
kind_others = Sertifikat orang lain
kind_old_number = Nomor lama hilang
kind_abroad = Vaksin luar negeri
kind_no_nik = Tanpa NIK/WNA
kind_other = Lainnya

# --- SMS (160 characters of GSM-7) ------------------------------------------------------------------------
sms_otp = { $code } kode OTP Kemenkes utk WhatsApp berakhiran { $ending }, berlaku 5 menit. Bukan Anda? Abaikan. Jangan beri tahu siapa pun, termasuk petugas.
sms_otp_plain = { $code } kode OTP Kemenkes, berlaku 5 menit. Bukan Anda? Abaikan. Jangan beri tahu siapa pun, termasuk petugas.
sms_name_changed = Kemenkes: nama pada sertifikat Anda diubah. Bukan Anda? WhatsApp ke { $service }: BUKAN SAYA { $undo } (72 jam)
sms_phone_moved = Kemenkes: nomor { -app } a.n. { $initial }. pindah ke nomor berakhiran { $ending }. Bukan Anda? WhatsApp ke { $service }: BUKAN SAYA { $undo } (72 jam)
