/** Made-up people and papers for the demo and the tests. The CPF is one that documentation uses: its check digits fit. */
import { crc32, deflateSync } from 'node:zlib';

export const sampleCustomer = {
  name: 'Ana Souza',
  cpf: '529.982.247-25',
  email: 'Ana.Souza@example.com',
  telephone: '(11) 98765-4321',
  address: {
    postalCode: '01310-100',
    street: 'Avenida Paulista',
    number: '1578',
    district: 'Bela Vista',
    city: 'São Paulo',
    state: 'sp',
  },
};

/** A PNG picture of 256 by 256 points that cannot be compressed: about 192 KiB, so that it is worth archiving. */
export function samplePicture(): Buffer {
  const width = 256;
  let state = 1;
  const rows = Array.from({ length: width }, () =>
    Buffer.from([0, ...Array.from({ length: width * 3 }, () => (state = (state * 48_271) % 2_147_483_647) & 0xff)]),
  );
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(width, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(rows))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const content = Buffer.concat([Buffer.from(type, 'ascii'), data]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  checksum.writeUInt32BE(crc32(content));
  return Buffer.concat([length, content, checksum]);
}
