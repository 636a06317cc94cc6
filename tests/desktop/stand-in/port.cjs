'use strict';
// In a utility process: process.parentPort over the channel of child_process. It never outlives the app.
const { EventEmitter } = require('node:events');

const send = process.send.bind(process);
const port = new EventEmitter();
port.postMessage = (data) => process.connected && send({ data });
process.on('message', (message) => port.emit('message', { data: message.data, ports: [] }));
process.on('disconnect', () => process.exit(0));
Object.defineProperty(process, 'parentPort', { value: port });
process.type = 'utility';
process.send = undefined;
