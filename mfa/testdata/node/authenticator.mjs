// A phone with an authenticator app: jsQR is its camera, otpauth its app. The Go test that runs it writes a list of screens,
// each with the rows of a QR code ('1' is dark) and the times, in seconds, at which somebody looks at the app. It gets back what
// the camera read, what the app made of it, and the codes.
import jsQR from 'jsqr';
import { URI } from 'otpauth';
import { readFileSync } from 'node:fs';

const read = jsQR.default ?? jsQR;
const pixels = 4; // per module

function photograph(rows) {
  const width = rows.length * pixels;
  const image = new Uint8ClampedArray(width * width * 4);
  for (let y = 0; y < width; y++) {
    for (let x = 0; x < width; x++) {
      const shade = rows[Math.floor(y / pixels)][Math.floor(x / pixels)] === '1' ? 0 : 255;
      image.set([shade, shade, shade, 255], (y * width + x) * 4);
    }
  }
  return read(image, width, width)?.data ?? '';
}

const screens = JSON.parse(readFileSync(0, 'utf8'));
console.log(JSON.stringify(screens.map(({ rows, times }) => {
  const uri = photograph(rows);
  if (uri === '') {
    return { uri };
  }
  const app = URI.parse(uri);
  return {
    uri,
    issuer: app.issuer,
    account: app.label,
    secret: app.secret.base32,
    algorithm: app.algorithm,
    digits: app.digits,
    period: app.period,
    codes: times.map((seconds) => app.generate({ timestamp: seconds * 1000 })),
  };
})));
