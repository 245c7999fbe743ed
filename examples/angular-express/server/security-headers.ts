import type { RequestHandler } from 'express';
import helmet from 'helmet';

/**
 * Helmet's headers, with a Content-Security-Policy under which the page's own files are all there is: no inline script or
 * style, no other origin, no frame, and no string that becomes HTML (Trusted Types).
 */
export function securityHeaders(): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      // The defaults hold upgrade-insecure-requests, with which a page served over plain http in a LAN loads nothing.
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        baseUri: ["'none'"],
        connectSrc: ["'self'"],
        // Scripts send the forms; one that is sent before they have loaded would put a password into the address.
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
        imgSrc: ["'self'"],
        requireTrustedTypesFor: ["'script'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        trustedTypes: ["'none'"],
      },
    },
    // A browser that saw it once would refuse plain http to every other server on this host name, which is localhost.
    strictTransportSecurity: false,
  });
}
