/** Starts the page. */
document.getElementById('page')!.textContent = 'Uploads';
