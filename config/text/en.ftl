# Every sentence of the service in English, in plain words. id.ftl holds the same keys.

# The name of the ministry's app.
-app = PeduliLindungi

# --- Days and clocks -----------------------------------------------------------------------------------
month = { $n ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
}
weekday = { $n ->
    [1] Monday
    [2] Tuesday
    [3] Wednesday
    [4] Thursday
    [5] Friday
    [6] Saturday
   *[7] Sunday
}
date = { $day } { $month } { $year }
weekday_date = { $weekday }, { $date }

# --- Before another sentence ----------------------------------------------------------------------------
reply_salam = Waalaikumsalam.
reply_om = Om Swastiastu.
reply_shalom = Shalom.
sorry_wait = Sorry for the wait.
back = Sorry, there was an interruption and your message reached us only now. We are back.
verified = You are verified.
photo_first = Sorry, we do not open or keep photos.
voice_first = Sorry, we cannot listen to voice messages yet.
dose_absent = There is no certificate for dose { $n } yet.
officer = Staff check a report within 72 hours and answer in this chat.
erase_kept = All right, nothing was deleted.
change_late = The time to change your data has run out.
got_phone = That is a phone number.
got_nik = That is a NIK.
got_code = That looks like a 6-digit code.

# --- Greeting, consent, end -----------------------------------------------------------------------------
greeting =
    Welcome to the vaccination certificate service of Indonesia's Ministry of Health: automatic, free, 24 hours.

    Here you can download your certificate, see your vaccination status, and change your details. Your phone number, name and NIK are used only to match your vaccination data.

    If you agree, choose the number registered in { -app }. This WhatsApp number ends in { $ending }.
greeting_typed =
    Welcome to the vaccination certificate service of Indonesia's Ministry of Health: automatic, free, 24 hours.

    Your phone number, name and NIK are used only to match your vaccination data.

    If you agree, type the Indonesian mobile number registered in { -app }, e.g. 0812xxxxxxxx. Balas INDONESIA untuk bahasa Indonesia.
greeting_footer = Balas INDONESIA untuk bahasa Indonesia
consent_again = If you agree, choose the number registered in { -app }. This WhatsApp number ends in { $ending }.
consent_again_typed = If you agree, type the Indonesian mobile number registered in { -app }, e.g. 0812xxxxxxxx.
consent_no = All right, we will not go on. Your vaccination data stays closed. Send a message any time if you change your mind.
expired = Your last session was closed to keep your data safe. To go on, shall we send a new code to the number ending in { $ending }?
gone = Your session has ended. To go on, please verify your number once more.
gone_typed = Your session has ended. To go on, type the mobile number registered in { -app }, e.g. 0812xxxxxxxx.
bye = Thank you, and stay healthy. To keep your data safe, delete the messages with your NIK from this chat, above all if you share this phone.

# --- Number and code ------------------------------------------------------------------------------------
not_registered = This WhatsApp number is not registered in { -app } yet. Type another mobile number that you gave when you were vaccinated, e.g. 0812xxxxxxxx.
ask_phone = Type the mobile number registered in { -app }, e.g. 0812xxxxxxxx.
never_registered = The place of vaccination registers your mobile number. If you have been vaccinated, type the number you gave there, or send a report for staff to check.
phone_bad = That does not look like an Indonesian mobile number. Type it like this: 0812xxxxxxxx.
phone_landline = That looks like a landline, which cannot receive SMS. Please type a mobile number.
otp_sent = We are sending a 6-digit code by SMS to the number ending in { $ending }. Type it here within 5 minutes. Do not give it to anyone, not even to someone who claims to be staff.
otp_maybe = If the number ending in { $ending } is registered, a 6-digit code will arrive there by SMS shortly. Type it here within 5 minutes. Do not give it to anyone, not even to someone who claims to be staff.
otp_resent = We are sending a new code by SMS to the number ending in { $ending }. The old code is no longer valid.
otp_resent_maybe = If the number ending in { $ending } is registered, a new code will arrive shortly. The old code is no longer valid.
otp_wrong = That code is not right. { $n ->
        [one] { $n } try
       *[other] { $n } tries
    } left. Please check the latest SMS.
otp_expired = That code is no longer valid. Ask for a new one, then type it here.
otp_delivered = The operator reports that the phone with the number ending in { $ending } has received the SMS. Please check its inbox, the spam folder too, then type the 6-digit code here. If it is not there, choose Send again.
otp_wait = You can ask for a new code in { $n } seconds. Please wait a moment; the code already sent is still valid.
otp_wait_used = You can ask for a new code in { $n } seconds. Please wait a moment.
otp_wait_long = You can ask for a new code in { $n } minutes, at { $wib } WIB ({ $wita } WITA, { $wit } WIT). The code already sent can still be typed while it is valid.
messages_fence = Too many messages within a minute; some of them were not read. Please wait a minute, then write again.
sessions_fence = A new conversation can begin in { $n } minutes, at { $wib } WIB ({ $wita } WITA, { $wit } WIT): too many were begun from this chat.
otp_help =
    The code may not have arrived because:
    1. the number was mistyped; check it above
    2. weak signal, roaming off, SIM inactive, or SMS inbox full
    3. the number is not registered yet.
locked = For your safety, tries are stopped for now. Please try again in { $n } minutes, at { $wib } WIB ({ $wita } WITA, { $wit } WIT). Need help? Reply STAFF.
step_up = One more step for your safety: type the month and year of the last vaccination, e.g. July 2021.
step_up_wrong = That does not match. { $n ->
        [one] { $n } try
       *[other] { $n } tries
    } left. Type the month and year of the last vaccination, e.g. July 2021.

# --- Menu -----------------------------------------------------------------------------------------------
menu =
    Please choose:
    1. Download certificate
    2. Vaccination status
    3. Change my details
menu_footer = Other problems: STAFF. To end: FINISH.

# --- Who it is ------------------------------------------------------------------------------------------
ask_person = Type your full name (no titles) and the 16-digit NIK in one message. You may also send the name first, then the NIK. For a child, a parent or guardian types the child's data.
ask_person_download = To download your certificate, type your full name (no titles) and the 16-digit NIK in one message. Reply MENU for other services.
ask_person_status = To see your vaccination status, type your full name (no titles) and the 16-digit NIK in one message. Reply MENU for other services.
ask_person_change = To change your details, type your full name (no titles) and the 16-digit NIK in one message. Reply MENU for other services.
ask_nik = Thank you. Now type the 16-digit NIK from your ID card (KTP) or family card.
ask_name = Thank you. Now type your full name (no titles).
nik_len = A NIK has 16 digits; we received { $n }. Please check it and type it again.
nik_form = That NIK looks mistyped. Please compare it with your ID card (KTP) or family card.
miss = That name and NIK do not match the data at the number ending in { $ending } yet. Try the spelling on your vaccination card. { $n ->
        [one] { $n } try
       *[other] { $n } tries
    } left.

# --- Family ---------------------------------------------------------------------------------------------
ask_family = Type the full name and 16-digit NIK of the family member registered at this number. Several people at once are fine, one line each.
family_result =
    Results for { $n ->
        [one] { $n } person
       *[other] { $n } people
    }:
    { $lines }
family_result_misses =
    Results for { $n ->
        [one] { $n } person
       *[other] { $n } people
    }:
    { $lines }
    { $left ->
        [one] { $left } try
       *[other] { $left } tries
    } left.
family_too_many = At most { $n } people in one message. Please type them again, one line each.
family_sent = { $name }: dose { $dose } sent
family_doses = { $name }: dose { $dose } recorded
family_miss = { $name }: name and NIK do not match yet
family_none = { $name }: no vaccination recorded yet
family_pending = { $name }: certificate still being prepared
family_nik_len = { $name }: a NIK has 16 digits; we received { $n }
family_nik_form = { $name }: the NIK looks mistyped
family_unread = Line { $n }: name or NIK could not be read

# --- Certificate and status -----------------------------------------------------------------------------
pick_dose =
    There are { $n } certificates. Which one would you like?
    { $lines }
    Reply ALL for { $n ->
        [2] both
       *[other] all of them
    }.
pick_dose_one =
    There is { $n } certificate. Which one would you like?
    { $lines }
dose_line = Dose { $dose }, { $date }
caption_short = Vaccination certificate, dose { $dose }, for { $name }. It contains personal data; please do not post it online.
caption =
    Vaccination certificate, dose { $dose }, for { $name }. It contains personal data; please do not post it online.
    Reply FAMILY for a family member, MENU for other services, or FINISH.
file_name = Vaccination-Certificate-Dose-{ $dose }.pdf
not_recorded = We found no vaccination record for { $name } yet. If the vaccination was less than 7 days ago, please wait. If it was longer ago, ask the place of vaccination to enter the data, or send a report. Vaccinated abroad? Choose Send a report.
not_issued = The vaccination of { $date } is recorded, the certificate is still being prepared (usually 7 days at most). Shall we tell you on WhatsApp when it is ready?
watch_yes = All right. When it is ready we send one message to this number, without naming health data. Reply MENU for other services, or FINISH.
watch_done = The news you were waiting for is here. Reply MENU to open it.
status =
    Vaccination status for { $name }:
    { $lines }
status_pending =
    Vaccination status for { $name }:
    { $lines }
    Shall we tell you on WhatsApp when it is ready?
status_dose = Dose { $dose }: { $date }, { $vaccine }
status_none = Dose { $dose }: not recorded yet
status_issued = Dose { $dose }: { $date }, certificate ready
status_waiting = Dose { $dose }: { $date }, recorded, certificate still being prepared (usually 7 days at most).

# --- Changes --------------------------------------------------------------------------------------------
fresh_otp = Before we change data, we make sure once more. We are sending a new code by SMS to the number ending in { $ending }. Type it here.
pick_change =
    What would you like to change?
    1. Name
    2. Phone number
    3. NIK or other data (checked by staff)
ask_new_name = Type the full name exactly as on the ID card (KTP). For a child, as on the child's card (KIA) or the family card.
name_bad = A name has letters, spaces and name punctuation only, 60 characters at most. Please type it again.
confirm_name =
    The name on the certificate will be:
    { $name }
    Is that right?
name_done = The name is changed as of now. Certificates with the old name are no longer valid; please download the new one.
name_ticket = Staff need to check this change. Report number { $ticket }, done by { $day } at { $clock } WIB at the latest. Until then the present name stays. Reply TICKET to see how it is going.
ask_new_phone = Type the new mobile number. We will send a code to it. Only the data of { $name } moves; other family members stay at the old number.
phone_same = That is the number registered now. Please type the new mobile number.
phone_full = Six people use that number already. Please type another mobile number.
phone_done = The registered number of { $name } is changed as of now to the number ending in { $ending }. The old number can undo this for 72 hours.
changes_shut = For your safety, data at this number cannot be changed until { $day } at { $clock } WIB. Other services stay open.
change_weak = Data can be changed only after a code by SMS. Certificate and status stay open.
undo_ask = To undo a change that you did not make, type NOT ME and the 8 digits from our SMS, e.g. NOT ME 1234-5678.
undone = Thank you for telling us. We undid the change of number, ended all sessions, and shut changes on that account for 24 hours. Report number { $ticket }; staff check it by { $day } at { $clock } WIB.
undone_name = Thank you for telling us. We undid the change of name, ended all sessions, and shut changes on that account for 24 hours. Report number { $ticket }; staff check it by { $day } at { $clock } WIB.
undo_unknown = We do not know that code, or it is older than 72 hours. Please check our SMS. { $n ->
        [one] { $n } try
       *[other] { $n } tries
    } left today.
undo_stopped = Undo codes were tried too often from this chat. Please try again tomorrow, or reply STAFF.

# --- Reports --------------------------------------------------------------------------------------------
ticket_kind = What is the problem?
ticket_where = Type where and when you were vaccinated, e.g. Puskesmas Melati, July 2021. Please do not send a photo of your ID card.
ticket_what = Describe the problem briefly, and where and when you were vaccinated. Please do not send a photo of your ID card.
ticket_filed = Report received. Report number { $ticket }. Staff check it by { $day } at { $clock } WIB at the latest and answer in this chat. Reply TICKET to see how it is going.
lost_ask = Staff will help you. If you agree that your data is used for the check, type the old number, your full name, and the 16-digit NIK in one message.
lost_more = Thank you. We still need { $want }.
lost_phone = Now type your new mobile number, e.g. 0812xxxxxxxx. We will send a code to it.
lost_same = That is the old number. Please type your new mobile number.
lost_code = We are sending a 6-digit code by SMS to the number ending in { $ending }, so that staff know this new number is yours. Type it here.
lost_filed = Report received. Report number { $ticket }. Staff check your identity by { $day } at { $clock } WIB at the latest, then answer in this chat. For your safety, the new number takes effect 24 hours after approval.
ticket_none = There is no report from this chat yet.
ticket_unknown = There is no such report in this chat. Please check the number.
ticket_waits = Report { $ticket }: received, waiting for staff. Due { $day } at { $clock } WIB.
ticket_in_work = Report { $ticket }: staff have been working on it since { $since_day } at { $since_clock } WIB. Due { $day } at { $clock } WIB.
ticket_asks = Report { $ticket }, asked on { $since_day } at { $since_clock } WIB: { $words } Choose Add words, then type your answer.
ticket_answered = Report { $ticket }, answered on { $since_day } at { $since_clock } WIB: { $words } If it is not right yet, choose Not solved.
ticket_closed = Report { $ticket }: done and closed on { $since_day } at { $since_clock } WIB.
ticket_reopened_at = Report { $ticket }: opened again on { $since_day } at { $since_clock } WIB. Due { $day } at { $clock } WIB.
ticket_others = Other reports: { $tickets }. Reply TICKET and the number.
ask_words = Type what you want to add to report { $ticket }. Please do not send a photo of your ID card.
words_added = Your words were added to report { $ticket }. Reply TICKET to see how it is going.
reopened = Report { $ticket } is open again and goes back to the same member of staff. Type what is not right yet.
ticket_done = Report { $ticket } is done: { $words } If it is not right yet, choose Not solved.
ticket_question = Staff ask about report { $ticket }: { $words } Choose Add words, then type your answer.
ticket_news = There is news about report { $ticket }. Reply TICKET.

# --- Anywhere -------------------------------------------------------------------------------------------
help =
    Choose a topic, or type one of these words any time: MENU, CANCEL, SEND AGAIN, FAMILY, TICKET, STAFF, INDONESIA, DELETE DATA, FINISH.

    Your messages are encrypted from your phone to WhatsApp's business service, which is run by Meta and passes them to the ministry's server. That is why we never write a full NIK. Staff never ask for your code.
not_understood = Sorry, we did not understand. Please type { $want }. Reply MENU or HELP.
please_write = Please type { $want }.
need_now = What we need now is { $want }.
voice = Sorry, we cannot listen to voice messages yet. Please type { $want }. If typing is hard, ask your family or a health centre for help.
photo = Sorry, we do not open or keep photos. If it shows an ID card (KTP), please delete it from this chat. Just type { $want }.
unreadable = Sorry, we cannot read that kind of message yet. Please type { $want }.
still_trying = We are still trying. Your request is kept; there is no need to send it again.
registry_down = The vaccination data cannot be reached right now. We keep your request and answer it as soon as it is back; there is no need to send it again.
service_down = That service cannot be reached right now. We keep your request and answer it as soon as it is back; there is no need to send it again.
gave_up = Sorry, we could not finish your request. To keep your data safe we close the session. Please send a message again later.
erase_ask = Delete the data of your conversation? We keep security limits and open reports until they are done.
erased = The data of your conversation is deleted from our system. Vaccination records, security records and open reports are kept as the rules require. You need to delete the messages on your phone yourself.
busy = The service is busy. You are number { $place } in line, and your turn comes in about { $n ->
        [one] { $n } minute
       *[other] { $n } minutes
    }; there is no need to send it again.
room_full = The service is very busy and we cannot keep your message. Please send it again in about { $n ->
        [one] { $n } minute
       *[other] { $n } minutes
    }.
trouble = Sorry, we could not handle your last message. Please type it again, or reply MENU.

# --- What we ask for, as it stands within another sentence ------------------------------------------------
want_consent = your choice: Agree, this number; Agree, other number; or Do not agree
want_phone = the registered mobile number, e.g. 0812xxxxxxxx
want_code = the 6-digit code from the SMS
want_month = the month and year of the last vaccination, e.g. July 2021
want_menu = your choice: Download certificate, Vaccination status, or Change my details
want_person = the full name and the 16-digit NIK
want_nik = the 16-digit NIK
want_name = the full name
want_dose = the number of the dose to download
want_change = your choice: Name, Phone number, or NIK and other data
want_new_name = the full name exactly as on the ID card
want_new_phone = the new mobile number, e.g. 0812xxxxxxxx
want_kind = the number or name of a problem in the list
want_detail = your words
want_lost = the old number, the full name and the 16-digit NIK
want_old_phone = the old number
you = you
want_choice = one of the choices in our last message

# --- Buttons (20 characters) and list rows (24) -----------------------------------------------------------
b_agree_this = Agree, this number
b_agree_other = Agree, other number
b_disagree = Do not agree
b_no_code = No code yet
b_change_number = Change number
b_resend = Send again
b_old_number_lost = Old number lost
b_never_registered = Never registered
b_send_code = Yes, send the code
b_other_number = Other number
b_download = Download certificate
b_status = Vaccination status
b_change = Change my details
b_retry = Try again
b_data_wrong = My data is wrong
b_menu = Menu
b_finish = Finish
b_dose = Dose { $dose }
b_family = Family member
b_send_report = Send a report
b_watch_yes = Yes, tell me
b_cancel = Cancel
b_name_right = Correct
b_name_again = Change it
b_pick_name = Name
b_pick_phone = Phone number
b_pick_other = NIK or other data
b_erase_yes = Yes, delete
b_erase = Delete data
b_add_words = Add words
b_not_done = Not solved
b_reports = My reports
open_kinds = Choose the problem
open_topics = Choose a topic
open_doses = Choose a dose
kind_certificate_missing = Certificate missing
kind_nik_used = NIK used by another
kind_nik_wrong = NIK recorded wrongly
kind_birth_date = Wrong birth date
kind_dose = Wrong dose or vaccine
kind_others = Another's certificate
kind_old_number = Old number lost
kind_abroad = Vaccinated abroad
kind_no_nik = No NIK / foreigner
kind_other = Something else

# --- SMS (160 characters of GSM-7) ------------------------------------------------------------------------
sms_otp = { $code } is the Kemenkes OTP code for WhatsApp ending in { $ending }, valid 5 minutes. Not you? Ignore it. Tell no one, not even staff.
sms_otp_plain = { $code } is the Kemenkes OTP code, valid 5 minutes. Not you? Ignore it. Tell no one, not even staff.
sms_name_changed = Kemenkes: the name on your certificate was changed. Not you? WhatsApp { $service }: NOT ME { $undo } (72 h)
sms_phone_moved = Kemenkes: { -app } number of { $initial }. moved to the number ending in { $ending }. Not you? WhatsApp { $service }: NOT ME { $undo } (72 h)
