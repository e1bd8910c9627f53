// Ours, unlike its neighbours: starts Swagger UI on this API's own description.
window.onload = () => {
  window.ui = SwaggerUIBundle({
    url: "v1/openapi.json",
    dom_id: "#swagger-ui",
    presets: [SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
    validatorUrl: null,
    tryItOutEnabled: true,
    persistAuthorization: false,
  });
};
