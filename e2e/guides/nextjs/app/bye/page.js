export default function Bye() {
  return <p>bye</p>;
}
