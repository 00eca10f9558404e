// An SMSC played by npm's smpp: smsc.js [PORT]
// Prints its port, then what happens, one JSON a line. What is written here is its moods, told line by line on its
// standard input and answered with {"did": …}: receipts words|fields|undeliverable|none, throttle N, silent N, hold,
// release, drop, enquire, nothing. Reading and writing PDUs is the package's.
'use strict';

const path = require('path');
const readline = require('readline');
const { createRequire } = require('module');

const smpp = createRequire(path.join(process.cwd(), 'package.json'))('smpp');

const mood = { receipts: 'words', throttle: 0, silent: 0, hold: false };
const sessions = new Set();
const held = [];
let texts = 0;

function tell(what) {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

function receipt(session, submitted, id) {
  const delivered = mood.receipts !== 'undeliverable';
  const message = {
    esm_class: smpp.ESM_CLASS.MC_DELIVERY_RECEIPT,
    source_addr: submitted.destination_addr,
    destination_addr: submitted.source_addr,
  };
  if (mood.receipts === 'fields') {
    message.receipted_message_id = id;
    message.message_state = smpp.MESSAGE_STATE.DELIVERED;
  } else {
    const [count, stat] = delivered ? ['001', 'DELIVRD'] : ['000', 'UNDELIV'];
    message.short_message = `id:${id} sub:001 dlvrd:${count} submit date:2611231350 done date:2611231351 stat:${stat} err:000 text:`;
  }
  session.deliver_sm(message, (answer) => tell({ acknowledged: id, status: answer.command_status }));
}

function submit(session, pdu) {
  const { source_addr, source_addr_ton, dest_addr_ton, dest_addr_npi, destination_addr, data_coding, registered_delivery, esm_class } = pdu;
  const text = pdu.short_message.message;
  tell({ text, source_addr, source_addr_ton, dest_addr_ton, dest_addr_npi, destination_addr, data_coding, registered_delivery, esm_class });
  if (mood.silent > 0) {
    mood.silent -= 1;
    return;
  }
  if (mood.throttle > 0) {
    mood.throttle -= 1;
    session.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED }));
    return;
  }
  texts += 1;
  const id = `${process.pid}-${texts}`;
  const answer = () => {
    session.send(pdu.response({ message_id: id }));
    if (mood.receipts !== 'none') {
      receipt(session, pdu, id);
    }
  };
  if (mood.hold) {
    held.push(answer);
  } else {
    answer();
  }
}

const server = smpp.createServer((session) => {
  sessions.add(session);
  session.on('close', () => sessions.delete(session));
  session.on('error', () => session.destroy());
  session.on('bind_transceiver', (pdu) => {
    const right = pdu.system_id === 'siaga' && pdu.password === 'rahasia';
    tell({ bind: pdu.system_id, right, system_type: pdu.system_type, interface_version: pdu.interface_version });
    session.send(pdu.response(right ? { system_id: 'smsc' } : { command_status: smpp.ESME_RINVPASWD }));
  });
  session.on('submit_sm', (pdu) => submit(session, pdu));
  session.on('enquire_link', (pdu) => {
    tell({ enquired: true });
    session.send(pdu.response());
  });
  session.on('unbind', (pdu) => session.send(pdu.response()));
});

const commands = {
  nothing: () => {},
  receipts: (which) => (mood.receipts = which),
  throttle: (count) => (mood.throttle = Number(count)),
  silent: (count) => (mood.silent = Number(count)),
  hold: () => (mood.hold = true),
  release: () => {
    mood.hold = false;
    held.splice(0).forEach((answer) => answer());
  },
  drop: () => sessions.forEach((session) => session.destroy()),
  enquire: () => sessions.forEach((session) => session.enquire_link(() => tell({ alive: true }))),
};

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const [name, value] = line.split(' ');
  commands[name](value);
  tell({ did: line });
});
// Nobody plays on when the test is gone.
process.stdin.on('end', () => process.exit(0));

server.listen(Number(process.argv[2] || 0), '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
